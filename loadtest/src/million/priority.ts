import { constants, setPriority } from 'node:os';

/**
 * Half a hundred edges and as many client processes on two cores: without a precedence Redis and the api get a
 * hundredth of them, and their answers come after seconds. In a fleet they have cores of their own.
 */
export function yieldToServers({ pid }: { readonly pid: number }): void {
  setPriority(pid, constants.priority.PRIORITY_LOW);
}
