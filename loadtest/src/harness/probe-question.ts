/** Apart from the probe, which acts when it is loaded. */
export const MEMORY_QUESTION = 'bench:memory';
