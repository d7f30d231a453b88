/** Environment variables with a default, a unit and a range. */

export interface Knob {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly about: string;
  /** Else an integer. */
  readonly isFraction?: true;
}

export type Knobs = Readonly<Record<string, Knob>>;

/** @throws Error that names every knob with a value outside its range */
export function readKnobs<T extends Knobs>(
  knobs: T,
  env: NodeJS.ProcessEnv,
): Record<keyof T, number> {
  const problems: string[] = [];
  const read = Object.entries(knobs).map(([name, { default: fallback, min, max, isFraction }]) => {
    const value = Number(env[name] || fallback);
    const isKind = isFraction === true || Number.isInteger(value);
    if (!(isKind && value >= min && value <= max)) {
      const kind = isFraction === true ? 'a number' : 'an integer';
      problems.push(`${name} must be ${kind} of ${min} to ${max}`);
    }
    return [name, value] as const;
  });
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return Object.fromEntries(read) as Record<keyof T, number>;
}

/** A line for each, for `--help`. */
export function describeKnobs(knobs: Knobs): string[] {
  return Object.entries(knobs).map(([name, { about, default: fallback, min, max }]) =>
    describeVariable(name, `${about} (${fallback}; ${min}..${max})`),
  );
}

/** The same of a variable that is no number. */
export function describeVariable(name: string, about: string): string {
  return `  ${name.padEnd(28)} ${about}`;
}
