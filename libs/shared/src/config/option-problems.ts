import Type, { type TObject, type TSchema } from 'typebox';
import { Check } from 'typebox/value';

/**
 * What is wrong with an object of options, one sentence each, all of them: TypeBox' own list ends
 * after eight errors and speaks of schemas.
 * @param place of the object in its file; '' for the whole file
 */
export function optionProblems(place: string, value: unknown, schema: TObject): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [`${place === '' ? 'the file' : place} must be an object`];
  }
  const prefix = place === '' ? '' : `${place}.`;
  return Object.entries(value).flatMap(([name, option]) =>
    optionProblem(prefix, name, option, schema),
  );
}

function optionProblem(prefix: string, name: string, option: unknown, schema: TObject): string[] {
  const expected = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
  if (expected === undefined) {
    const known = Object.keys(schema.properties).join(', ');
    return [`${prefix}${name} is no option that may be set here; there are ${known}`];
  }
  if (Check(expected, option)) return [];
  return [`${prefix}${name} must be ${allowedBy(expected)}, not ${shown(option)}`];
}

function allowedBy(schema: TSchema): string {
  if (Type.IsInteger(schema) && 'minimum' in schema && 'maximum' in schema) {
    return `a whole number from ${schema.minimum} to ${schema.maximum}`;
  }
  if (Type.IsEnum(schema)) return `one of ${schema.enum.join(', ')}`;
  if (Type.IsBoolean(schema)) return 'true or false';
  if (Type.IsString(schema) && 'maxLength' in schema) {
    return `a text of at most ${schema.maxLength} characters`;
  }
  return 'an object';
}

function shown(value: unknown): string {
  return JSON.stringify(value).slice(0, 80);
}
