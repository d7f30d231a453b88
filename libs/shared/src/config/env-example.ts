import { settingNames } from './environment.js';
import type { Setting } from './setting.js';
import { SETTINGS } from './table.js';

const HEADER = `# Every setting of Halley. Take the line of what you change out of its comment.
# Printed from libs/shared/src/config/table.ts by scripts/env-example.mjs: edit it there.
# Settings are environment variables: load this file with "set -a; . ./.env; set +a", with systemd's
# EnvironmentFile or with Docker's --env-file. All wrong ones are named at start, at once.

# production refuses to start without keys of your own. Everything else is development.
# NODE_ENV=production
`;

/** The text of `.env.example`. */
export function envExample(): string {
  return `${HEADER}\n${settingNames().map(entry).join('\n')}`;
}

function entry(name: keyof typeof SETTINGS): string {
  const setting: Setting<unknown> = SETTINGS[name];
  const { about, unit, allowed, defaultText } = setting;
  const unitText = unit === undefined ? '' : ` Unit: ${unit}.`;
  const fallback = defaultText === '' ? 'none' : defaultText;
  // Only a default that is itself a value can stand behind the equals sign.
  const value = isValue(setting, defaultText) ? defaultText : '';
  return `# ${about}\n# Allowed: ${allowed}.${unitText} Default: ${fallback}.\n# ${name}=${value}\n`;
}

function isValue({ parse }: Setting<unknown>, text: string): boolean {
  return text !== '' && !text.includes(' ') && 'value' in parse(text);
}
