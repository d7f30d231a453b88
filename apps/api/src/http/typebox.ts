/**
 * All of TypeBox that the api uses. The build joins this module with TypeBox' seven hundred, which take
 * half a second and 18 MB when they are loaded one by one (scripts/bundle-typebox.mjs).
 */

export type { Static, TSchema } from 'typebox';
export { default } from 'typebox';
export { Compile } from 'typebox/compile';
export type { TLocalizedValidationError } from 'typebox/error';
export { Format } from 'typebox/format';
