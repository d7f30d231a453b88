/** What the parts of the product depend on, by package.json and the lock file. */

/** Workspaces that reach a server or a browser; `test` and `loadtest` do not. */
export const SHIPPED = [
  'apps/api',
  'apps/cli',
  'apps/edge',
  'libs/sdk',
  'libs/server',
  'libs/shared',
];
const OWN = '@halley/';

/**
 * Direct production dependencies of the workspaces that ship, with who asks for each.
 * @param lock content of package-lock.json
 * @returns Map of name -> folders of workspaces
 */
export function directDependencies(lock, workspaces = SHIPPED) {
  const asked = new Map();
  for (const folder of workspaces) {
    for (const name of namesOf(lock.packages[folder])) {
      if (name.startsWith(OWN)) continue;
      asked.set(name, [...(asked.get(name) ?? []), folder]);
    }
  }
  return asked;
}

/** How many further packages come with a dependency of a workspace, each place counted once. */
export function transitiveCount(lock, folder, name) {
  const root = placeOf(lock, folder, name);
  const seen = new Set();
  const waiting = [root];
  while (waiting.length > 0) {
    const place = waiting.pop();
    if (place === null || seen.has(place)) continue;
    seen.add(place);
    for (const needed of namesOf(lock.packages[place])) waiting.push(placeOf(lock, place, needed));
  }
  seen.delete(root);
  return seen.size;
}

/** Lines that say what is wrong: a dependency without a reason, a reason without a dependency. */
export function dependencyProblems(names, reasons) {
  const isGiven = (name) => typeof reasons[name] === 'string' && reasons[name].trim() !== '';
  return [
    ...names.filter((name) => !isGiven(name)).map((name) => `${name} has no reason`),
    ...Object.keys(reasons)
      .filter((name) => !names.includes(name))
      .map((name) => `${name} has a reason, but nothing depends on it`),
  ];
}

function namesOf(entry) {
  return Object.keys({ ...entry?.dependencies, ...entry?.optionalDependencies });
}

/** As Node looks for it: the nearest node_modules, upwards. */
function placeOf(lock, from, name) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')))) {
    const place = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (lock.packages[place] !== undefined) return place;
    if (folder === '') return null;
  }
}
