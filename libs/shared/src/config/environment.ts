import type { Setting } from './setting.js';
import { SETTINGS } from './table.js';

export type SettingName = keyof typeof SETTINGS;

/** The value of each setting, by the name of its variable. */
export type Values = {
  [Name in SettingName]: (typeof SETTINGS)[Name] extends Setting<infer T> ? T : never;
};

export interface Environment {
  readonly production: boolean;
  readonly values: Readonly<Values>;
  /** Variables that were set, even to something wrong. */
  readonly given: ReadonlySet<SettingName>;
  /** Those among them that hold their default, since what was given is not allowed. */
  readonly refused: ReadonlySet<SettingName>;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** Variables of the tests, which no process of the fleet reads. */
const FOREIGN_PREFIX = 'HALLEY_TEST_';
const MODES: readonly (string | undefined)[] = ['production', 'development', 'test', '', undefined];

/** Reads every variable once. An empty one counts as not set: that is how env files blank it. */
export function readEnvironment(env: NodeJS.ProcessEnv): Environment {
  const production = env['NODE_ENV'] === 'production';
  const values: Partial<Record<SettingName, unknown>> = {};
  const given = new Set<SettingName>();
  const refused = new Set<SettingName>();
  const problems: string[] = [];
  for (const name of settingNames()) {
    const setting: Setting<unknown> = SETTINGS[name];
    values[name] = production ? setting.production : setting.development;
    const text = env[name];
    if (text === undefined || text === '') continue;
    given.add(name);
    const parsed = setting.parse(text);
    if ('value' in parsed) {
      values[name] = parsed.value;
      continue;
    }
    refused.add(name);
    problems.push(...parsed.problems.map((problem) => `${name} ${problem}`));
  }
  const warnings = warningsOf(env);
  // The loop has set every name of the table to a value of its own setting.
  return { production, values: values as Values, given, refused, problems, warnings };
}

export function settingNames(): SettingName[] {
  return Object.keys(SETTINGS) as SettingName[];
}

function warningsOf(env: NodeJS.ProcessEnv): string[] {
  const warnings = Object.keys(env)
    .filter((name) => name.startsWith('HALLEY_') && !name.startsWith(FOREIGN_PREFIX))
    .filter((name) => !Object.hasOwn(SETTINGS, name))
    .map((name) => `${name} is no setting of this version and has no effect`);
  if (!MODES.includes(env['NODE_ENV'])) {
    warnings.push(
      `NODE_ENV is ${JSON.stringify(env['NODE_ENV'])}: everything but production is development`,
    );
  }
  return warnings;
}
