/** Brings what is missing onto the machine. What will be installed is said first. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isInPath, npm, ROOT, run } from './run.mjs';
import { Stop, say } from './say.mjs';

/** Installs the npm packages where node_modules is not what package-lock.json says. */
export function ensurePackages() {
  const reason = packagesProblem();
  if (!reason) return;
  say(`installing the npm packages of package-lock.json (npm ci): ${reason}.`);
  // Also under NODE_ENV=production: the build needs the development packages.
  if (!npm(['ci', '--include=dev'])) throw new Stop('npm ci failed; its messages are above.');
}

/**
 * Compares contents, not times: a checkout touches package-lock.json without changing it, and an
 * `npm install` writes it last.
 */
function packagesProblem() {
  const installed = readLock('node_modules/.package-lock.json');
  if (!installed) return 'there is no node_modules';
  const changed = Object.entries(readLock('package-lock.json') ?? {}).find(
    ([path, wanted]) => path.includes('node_modules/') && !isSame(wanted, installed[path]),
  );
  return changed ? `${changed[0].replace(/^.*node_modules./, '')} is missing or differs` : null;
}

/** Installs Artillery in its own folder where it is missing or of another version. */
export function ensureArtillery() {
  const folder = 'loadtest/artillery';
  const wanted = readLock(`${folder}/package-lock.json`);
  const found = readLock(`${folder}/node_modules/.package-lock.json`);
  const name = 'node_modules/artillery';
  if (found?.[name] !== undefined && isSame(wanted[name], found[name])) return;
  say(`installing Artillery in ${folder} (npm ci): 590 MB.`);
  // As its own project: in the repository npm would take the workspaces' packages for its own.
  if (!npm(['ci', '--prefix', folder])) {
    throw new Stop('npm ci failed; its messages are above.');
  }
}

function isSame(wanted, found) {
  // An optional package may be absent: it is for another platform.
  if (!found) return wanted.optional === true || wanted.devOptional === true;
  return wanted.version === found.version && wanted.integrity === found.integrity;
}

function readLock(file) {
  try {
    return JSON.parse(readFileSync(join(ROOT, file), 'utf8')).packages;
  } catch {
    return null;
  }
}

/** Installs Debian's redis-server where there is none. */
export function ensureRedisServer() {
  if (isInPath('redis-server')) return;
  installPackage(
    'redis-server',
    'Halley runs a private one of its own',
    'install Redis 7 or later, or set REDIS_URL',
  );
}

/** Installs Debian's libfaketime where there is none: some tests set a redis-server's clock with it. */
export function ensureFaketime() {
  const folders = readdirSync('/usr/lib').map((name) => join('/usr/lib', name));
  const paths = ['/usr/lib', '/usr/lib64', ...folders].map((folder) => join(folder, 'faketime'));
  if (paths.some((path) => existsSync(join(path, 'libfaketime.so.1')))) return;
  installPackage('libfaketime', 'tests set the clock of a redis-server with it', 'install it');
}

/** Installs Debian's C compiler where there is none: the load clients are written in C. */
export function ensureCompiler() {
  if (isInPath('cc')) return;
  installPackage('gcc libc6-dev', 'the load clients are written in C', 'install a C compiler');
}

/** What the tests run beside Halley: Debian's packages, their program, and what for. */
const TEST_PROGRAMS = [
  ['nginx', '/usr/sbin/nginx', 'tests hold its sample configuration'],
  [
    'libnginx-mod-nchan',
    '/usr/lib/nginx/modules/ngx_nchan_module.so',
    'the bench runs it beside Halley',
  ],
  ['haproxy', '/usr/sbin/haproxy', 'tests hold its sample configuration'],
  ['chromium', '/usr/bin/chromium', 'tests open pages in it'],
  ['firefox-esr', '/usr/bin/firefox-esr', 'tests open pages in it'],
  ['openssl', '/usr/bin/openssl', 'tests make certificates with it'],
  ['curl', '/usr/bin/curl', 'tests run the examples of docs/publish.md'],
  ['php-cli php-curl', '/usr/bin/php', 'tests run the examples of docs/publish.md'],
  ['python3', '/usr/bin/python3', 'tests run the examples of docs/publish.md'],
];

/** Installs the proxies, browsers and languages of the tests where they are missing. */
export function ensureTestPrograms() {
  for (const [name, program, purpose] of TEST_PROGRAMS) {
    if (!existsSync(program)) installPackage(name, purpose, 'install it');
  }
}

/** Installs Debian's docker.io where there is no engine to start. */
export function ensureDockerEngine() {
  if (isInPath('dockerd')) return;
  installPackage('docker.io', 'tests of faults run Redis in containers', 'install it');
}

/**
 * @param name of one package, or of several with spaces between them
 * @param purpose is said before
 * @param advice what to do where it cannot be installed
 */
function installPackage(name, purpose, advice) {
  const rootPrefix = rootCommand();
  if (!isInPath('apt-get') || !rootPrefix) {
    throw new Stop(
      `there is no ${name} and no way to install it (apt-get with root or sudo): ${advice}.`,
    );
  }
  say(`installing Debian's ${name} with apt-get (${purpose}).`);
  const apt = (...args) => {
    const [program, ...rest] = [...rootPrefix, 'apt-get', '-q', ...args];
    if (run(program, rest)) return;
    throw new Stop(`apt-get ${args[0]} failed: ${advice}.`);
  };
  apt('update');
  apt('install', '-y', '--no-install-recommends', ...name.split(' '));
}

/** What goes before a command to run it as root; null where that is not possible. */
function rootCommand() {
  const environment = ['env', 'DEBIAN_FRONTEND=noninteractive'];
  if (process.getuid() === 0) return environment;
  return isInPath('sudo') ? ['sudo', ...environment] : null;
}
