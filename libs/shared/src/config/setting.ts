/** What one environment variable may hold. `.env.example` is printed from the same data. */

export type Parsed<T> =
  | { readonly value: T }
  /** Each completes a sentence that starts with the variable's name. */
  | { readonly problems: readonly string[] };

export interface Setting<T> {
  readonly about: string;
  /** What the number counts; absent for texts. */
  readonly unit?: string;
  /** Completes "NAME must be ...". */
  readonly allowed: string;
  readonly development: T;
  readonly production: T;
  /** The default as a reader of `.env.example` understands it. */
  readonly defaultText: string;
  readonly parse: (text: string) => Parsed<T>;
}

interface Described<T> {
  readonly about: string;
  readonly fallback: T;
  readonly defaultText?: string;
}

interface WholeNumber extends Described<number> {
  readonly unit: string;
  readonly min: number;
  readonly max: number;
}

export function wholeNumber(options: WholeNumber): Setting<number> {
  const { about, unit, fallback, min, max } = options;
  const allowed = `a whole number from ${min} to ${max}`;
  const parse = (text: string): Parsed<number> => {
    const value = /^\d{1,15}$/.test(text.trim()) ? Number(text) : Number.NaN;
    return value >= min && value <= max ? { value } : mustBe(`${allowed} (${unit})`, text);
  };
  const defaultText = options.defaultText ?? String(fallback);
  return { about, unit, allowed, development: fallback, production: fallback, defaultText, parse };
}

interface Flag {
  readonly about: string;
  readonly development: boolean;
  readonly production: boolean;
}

export function flag({ about, development, production }: Flag): Setting<boolean> {
  const allowed = '0 or 1';
  const parse = (text: string): Parsed<boolean> => {
    const value = text.trim();
    return value === '0' || value === '1' ? { value: value === '1' } : mustBe(allowed, text);
  };
  const defaultText = byMode(development ? '1' : '0', production ? '1' : '0');
  return { about, allowed, development, production, defaultText, parse };
}

interface Choice<T extends string> extends Described<T> {
  readonly among: readonly T[];
}

export function choice<T extends string>({ about, fallback, among }: Choice<T>): Setting<T> {
  const allowed = `one of ${among.join(', ')}`;
  const parse = (text: string): Parsed<T> => {
    const value = among.find((candidate) => candidate === text.trim());
    return value === undefined ? mustBe(allowed, text) : { value };
  };
  return {
    about,
    allowed,
    development: fallback,
    production: fallback,
    defaultText: fallback,
    parse,
  };
}

interface Formatted<T> {
  readonly about: string;
  readonly allowed: string;
  readonly development: T;
  readonly production: T;
  readonly defaultText: string;
  readonly parse: (text: string) => Parsed<T>;
}

/** A text with a format of its own. */
export function formatted<T>(options: Formatted<T>): Setting<T> {
  return options;
}

interface OptionalText {
  readonly about: string;
  readonly allowed: string;
  readonly defaultText?: string;
  readonly parse: (text: string) => Parsed<string>;
}

/** A text whose absence means something. */
export function optionalText(options: OptionalText): Setting<string | undefined> {
  return { defaultText: '', ...options, development: undefined, production: undefined };
}

/** @param text the refused value; leave it out where it may be a secret */
export function mustBe(allowed: string, text?: string): { problems: readonly string[] } {
  const given = text === undefined ? '' : `, not ${JSON.stringify(text.slice(0, 80))}`;
  return { problems: [`must be ${allowed}${given}`] };
}

export function byMode(development: string, production: string): string {
  return development === production
    ? development
    : `${development} in development, ${production} in production`;
}
