/**
 * uWebSockets.js comes as one binary per Node version and architecture. Which pairs work, and the
 * SHA-256 of each file, stand in uws-binaries.json; every mismatch is one line that says what to take.
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './run.mjs';
import { Stop } from './say.mjs';

const TABLE_FILE = join(ROOT, 'scripts/uws-binaries.json');
/** Oldest minor version of each Node line (the `engines` of package.json). */
const OLDEST_MINOR = { 20: 19, 22: 12, 24: 0 };
const NEWER_SYSTEM = 'a system with a newer glibc (Ubuntu 24.04, Debian 13)';

/** What the check looks at, so that a test can ask about other machines. */
export function thisMachine() {
  return {
    platform: process.platform,
    arch: process.arch,
    node: process.versions.node,
    glibc: process.report.getReport().header.glibcVersionRuntime,
  };
}

export function checkPlatform(machine = thisMachine()) {
  const problem = platformProblem(machine, binaries());
  if (problem) throw new Stop(problem);
}

/** One line, or null where Halley runs on this machine. */
export function platformProblem({ platform, arch, node, glibc }, table) {
  const [major, minor] = node.split('.').map(Number);
  const lines = Object.values(table).filter((entry) => entry.arch === arch);
  if (platform !== 'linux' || lines.length === 0) {
    return `Halley runs on Linux, x64 or arm64; this is ${platform} ${arch}.`;
  }
  if (!glibc) return 'uWebSockets.js needs glibc: take Debian or Ubuntu, not Alpine.';
  const line = lines.find((entry) => entry.node === major);
  if (!line)
    return `Node ${node} is not supported: take ${nodesFor(lines, glibc) ?? NEWER_SYSTEM}.`;
  if (minor < OLDEST_MINOR[major]) {
    return `Node ${node} is too old: take ${major}.${OLDEST_MINOR[major]} or later.`;
  }
  if (isOlder(glibc, line.glibc)) {
    const needs = `Node ${major} needs glibc ${line.glibc} for uWebSockets.js`;
    return `${needs} and this system has ${glibc}: take ${alternatives(lines, glibc)}.`;
  }
  return null;
}

/** The binary that will be loaded is the one that the table knows: nothing else runs in our process. */
export function checkUwsBinary(folder = join(ROOT, 'node_modules/uWebSockets.js')) {
  const file = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;
  const expected = binaries()[file]?.sha256;
  const actual = createHash('sha256')
    .update(readFileSync(join(folder, file)))
    .digest('hex');
  if (actual === expected) return;
  throw new Stop(
    `${file} has SHA-256 ${actual}, scripts/uws-binaries.json says ${expected ?? 'nothing'}: ` +
      'reinstall with npm ci; if it stays so, do not run it.',
  );
}

/** File -> Node line, glibc, SHA-256 and architecture. */
export function binaries() {
  const { binaries: table } = JSON.parse(readFileSync(TABLE_FILE, 'utf8'));
  for (const [file, entry] of Object.entries(table)) entry.arch = file.split('_')[2];
  return table;
}

function alternatives(lines, glibc) {
  const nodes = nodesFor(lines, glibc);
  return nodes ? `${nodes}, or ${NEWER_SYSTEM}` : NEWER_SYSTEM;
}

/** The Node lines whose binary loads with this glibc; null where none does. */
function nodesFor(lines, glibc) {
  const fits = lines.filter((line) => !isOlder(glibc, line.glibc)).map((line) => line.node);
  return fits.length > 0 ? `Node ${fits.join(' or ')}` : null;
}

function isOlder(version, than) {
  const [major, minor] = version.split('.').map(Number);
  const [thanMajor, thanMinor] = than.split('.').map(Number);
  return major < thanMajor || (major === thanMajor && minor < thanMinor);
}
