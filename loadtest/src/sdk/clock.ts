/** The machine's monotonic clock, which all processes share. @returns ms */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1_000_000;
}
