/** Options of the load client (loadtest/README.md); lists go into a file, one item per line. */
export type LoadOptions = Readonly<Record<string, string | number | readonly string[]>>;
