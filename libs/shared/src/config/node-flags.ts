/**
 * Flags of Node for an edge, in MiB; whoever starts one gives them. An edge makes little garbage for each
 * connection, but at a connect storm V8 grows the young generation to 16 MiB a half, and keeps it so: with
 * 10,000 idle connections that is 1.5 KB of memory for each of them. Collecting 4 MiB at a time costs
 * a tenth more CPU for a connect, and nothing elsewhere (docs/performance.md).
 */
export const EDGE_NODE_FLAGS: readonly string[] = ['--max-semi-space-size=4'];
