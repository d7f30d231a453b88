#!/usr/bin/env node
/**
 * `npm run deps`: every production dependency with its reason out of deps.json, and how many packages it
 * brings. Fails on a dependency without a reason and on a reason without a dependency.
 */

import { readFileSync } from 'node:fs';
import { dependencyProblems, directDependencies, transitiveCount } from './lib/dependencies.mjs';
import { say } from './lib/say.mjs';

const lock = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));
const reasons = JSON.parse(readFileSync(new URL('deps.json', import.meta.url), 'utf8'));
const asked = directDependencies(lock);

for (const [name, folders] of [...asked].sort()) {
  const more = transitiveCount(lock, folders[0], name);
  const reason = reasons[name] ?? 'NO REASON';
  process.stdout.write(`${name} (${folders.join(', ')}; brings ${more} more): ${reason}\n`);
}
const problems = dependencyProblems([...asked.keys()], reasons);
for (const problem of problems) say(`deps.json: ${problem}`);
process.exitCode = problems.length === 0 ? 0 : 1;
