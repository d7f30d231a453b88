/** Options of the configuration file: what each may be, in words and as a check. */

export interface Option<T> {
  /** Ends the sentence "must be …". */
  readonly allowed: string;
  is(value: unknown): value is T;
}

/** The options of one object, all of which may be absent. */
export type Options = Readonly<Record<string, Option<unknown>>>;

export type Chosen<O extends Options> = {
  readonly [Name in keyof O]?: O[Name] extends Option<infer T> ? T : never;
};

export const boolean: Option<boolean> = {
  allowed: 'true or false',
  is: (value) => typeof value === 'boolean',
};

export const object: Option<Readonly<Record<string, unknown>>> = {
  allowed: 'an object',
  is: (value): value is Readonly<Record<string, unknown>> =>
    typeof value === 'object' && value !== null && !Array.isArray(value),
};

export function integer(minimum: number, maximum: number): Option<number> {
  return {
    allowed: `a whole number from ${minimum} to ${maximum}`,
    is: (value): value is number =>
      Number.isInteger(value) && Number(value) >= minimum && Number(value) <= maximum,
  };
}

export function oneOf<const T extends string>(values: readonly T[]): Option<T> {
  return {
    allowed: `one of ${values.join(', ')}`,
    is: (value): value is T => values.some((one) => one === value),
  };
}

export function text(maxChars: number): Option<string> {
  return {
    allowed: `a text of at most ${maxChars} characters`,
    is: (value): value is string => typeof value === 'string' && value.length <= maxChars,
  };
}

/** Whether the value is such an object, with nothing else in it. */
export function isChosen<O extends Options>(value: unknown, options: O): value is Chosen<O> {
  if (!object.is(value)) return false;
  return Object.entries(value).every(
    ([name, one]) => Object.hasOwn(options, name) && options[name]?.is(one) === true,
  );
}

/**
 * What is wrong with an object of options, one sentence each, all of them.
 * @param place of the object in its file; '' for the whole file
 */
export function optionProblems(place: string, value: unknown, options: Options): string[] {
  if (!object.is(value)) return [`${place === '' ? 'the file' : place} must be an object`];
  const prefix = place === '' ? '' : `${place}.`;
  return Object.entries(value).flatMap(([name, one]) => {
    const option = Object.hasOwn(options, name) ? options[name] : undefined;
    if (option === undefined) {
      const known = Object.keys(options).join(', ');
      return [`${prefix}${name} is no option that may be set here; there are ${known}`];
    }
    return option.is(one) ? [] : [`${prefix}${name} must be ${option.allowed}, not ${shown(one)}`];
  });
}

function shown(value: unknown): string {
  return JSON.stringify(value).slice(0, 80);
}
