import { describe } from 'vitest';

describe.todo('payload');
