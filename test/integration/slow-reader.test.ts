import { describe } from 'vitest';

describe.todo('slow-reader');
