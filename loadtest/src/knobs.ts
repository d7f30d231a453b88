/** Environment variables with a default, a unit and a range. */

export interface Knob {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly about: string;
}

export type Knobs = Readonly<Record<string, Knob>>;

/** @throws Error that names every knob with a value outside its range */
export function readKnobs<T extends Knobs>(
  knobs: T,
  env: NodeJS.ProcessEnv,
): Record<keyof T, number> {
  const problems: string[] = [];
  const read = Object.entries(knobs).map(([name, { default: fallback, min, max }]) => {
    const value = Number(env[name] || fallback);
    if (!Number.isInteger(value) || value < min || value > max) {
      problems.push(`${name} must be an integer of ${min} to ${max}`);
    }
    return [name, value] as const;
  });
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return Object.fromEntries(read) as Record<keyof T, number>;
}

/** A line for each, for `--help`. */
export function describeKnobs(knobs: Knobs): string[] {
  return Object.entries(knobs).map(
    ([name, { about, default: fallback, min, max }]) =>
      `  ${name.padEnd(28)} ${about} (${fallback}; ${min}..${max})`,
  );
}
