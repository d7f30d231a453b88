import { describe } from 'vitest';

describe.todo('presence');
