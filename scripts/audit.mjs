#!/usr/bin/env node
/**
 * `npm run audit`: known holes in what ships, by `npm audit --omit=dev`. What audit.json allows, with a
 * reason, passes. A registry without an audit endpoint gives `audit: not checked`.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { judgeAudit } from './lib/audit.mjs';
import { SHIPPED } from './lib/dependencies.mjs';
import { ROOT } from './lib/run.mjs';

const DEADLINE_MS = 120_000;

const allowed = JSON.parse(readFileSync(new URL('audit.json', import.meta.url), 'utf8'));
const judged = judgeAudit(reportOf(), allowed);

if (judged.notChecked !== undefined) {
  process.stdout.write(`audit: not checked (${judged.notChecked})\n`);
} else {
  for (const { advisory, package: name, severity, title } of judged.found) {
    process.stdout.write(`audit: ${severity}: ${name}: ${title} (${advisory})\n`);
  }
  for (const { advisory, package: name } of judged.stale) {
    process.stdout.write(`audit: audit.json allows ${advisory} of ${name}, which is not found\n`);
  }
  const count = judged.found.length + judged.stale.length;
  process.stdout.write(count === 0 ? 'audit: nothing found\n' : `audit: ${count} to look at\n`);
  process.exitCode = count === 0 ? 0 : 1;
}

function reportOf() {
  const workspaces = SHIPPED.flatMap((folder) => ['-w', folder]);
  const args = ['audit', '--omit=dev', '--json', ...workspaces];
  const options = { cwd: ROOT, encoding: 'utf8', timeout: DEADLINE_MS };
  const { stdout } = spawnSync('npm', args, options);
  try {
    return JSON.parse(stdout);
  } catch {
    return null;
  }
}
