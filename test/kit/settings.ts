/** Settings as an operator gives them, and what is wrong with them. */

import { loadSettings, SettingsError } from '@halley/shared/config';

export const KEYS = {
  HALLEY_API_KEYS: 'ci:a-real-secret-of-its-own:publish',
  HALLEY_TOKEN_SECRET: 'thirty-two-bytes-and-some-more-of-it',
};
export const PRODUCTION = { NODE_ENV: 'production', ...KEYS };

export function problemsOf(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    loadSettings(env);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  return [];
}
