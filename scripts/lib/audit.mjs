/** What a report of `npm audit --json` means beside the list of what is allowed. */

const ADVISORY = /GHSA(?:-[\da-z]{4}){3}/;

/**
 * @param report parsed output of `npm audit --json`, or null where it was none
 * @param allowed entries `{ advisory, package, reason }`
 * @returns `{ notChecked }` with why, or `{ found, stale }`: advisories that are not allowed, and
 *   entries of the list that nothing needs any more
 */
export function judgeAudit(report, allowed) {
  if (typeof report?.vulnerabilities !== 'object' || report.vulnerabilities === null) {
    return { notChecked: whyOf(report) };
  }
  const found = advisoriesOf(report.vulnerabilities);
  const isAllowed = (one) => allowed.some((entry) => isEntryFor(entry, one));
  return {
    found: found.filter((one) => !isAllowed(one)),
    stale: allowed.filter((entry) => !found.some((one) => isEntryFor(entry, one))),
  };
}

function isEntryFor(entry, { advisory, package: name }) {
  const hasReason = typeof entry.reason === 'string' && entry.reason.trim() !== '';
  return hasReason && entry.advisory === advisory && entry.package === name;
}

/** `via` holds advisories, and names of packages that bring their own. */
function advisoriesOf(vulnerabilities) {
  const found = new Map();
  for (const { via = [] } of Object.values(vulnerabilities)) {
    for (const cause of via) {
      if (typeof cause === 'string') continue;
      const advisory = ADVISORY.exec(cause.url ?? '')?.[0] ?? String(cause.source);
      const { name, severity, title } = cause;
      found.set(`${advisory} ${name}`, { advisory, package: name, severity, title });
    }
  }
  return [...found.values()];
}

function whyOf(report) {
  const said = report?.message ?? report?.error?.summary ?? 'npm audit gave no report';
  return String(said).split('\n')[0];
}
