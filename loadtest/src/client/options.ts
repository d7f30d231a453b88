/** `name=value` arguments of the load client in Node; the same as the one in C takes. */

import { readFileSync } from 'node:fs';

export class ClientOptions {
  readonly mode: string;
  readonly #values: ReadonlyMap<string, string>;

  constructor(args: readonly string[]) {
    const [mode = '', ...pairs] = args;
    this.mode = mode;
    this.#values = new Map(
      pairs.map((pair) => {
        const at = pair.indexOf('=');
        return [pair.slice(0, at), pair.slice(at + 1)] as const;
      }),
    );
  }

  /** @throws Error that names a missing option */
  text(name: string, fallback?: string): string {
    const value = this.#values.get(name) ?? fallback;
    if (value === undefined) throw new Error(`${name}= is missing`);
    return value;
  }

  number(name: string, fallback?: number): number {
    return Number(this.text(name, fallback?.toString()));
  }

  lines(name: string): string[] {
    return readFileSync(this.text(name), 'utf8').trimEnd().split('\n');
  }
}
