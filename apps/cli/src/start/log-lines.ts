/** The lines of the programs, as a person at a terminal or a log collector wants them. */

export type LineWriter = (programName: string, line: string) => void;

const LEVELS: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

/** For log collectors: the JSON lines as they are, on stdout. */
export const writeRaw: LineWriter = (_programName, line) => {
  process.stdout.write(`${line}\n`);
};

/** For people: `<program>  <level>  <message>  <the other fields>`, on stderr. */
export const writeReadable: LineWriter = (programName, line) => {
  process.stderr.write(`${readable(programName, line)}\n`);
};

export function readable(programName: string, line: string): string {
  const record = parse(line);
  if (!record) return `${programName}  ${line}`;
  // Process and host are the same for all here, and the name is the program's.
  const { level, msg, time: _time, pid: _pid, hostname: _hostname, name: _name, ...rest } = record;
  const levelName = LEVELS[Number(level)] ?? String(level);
  const fields = Object.keys(rest).length > 0 ? `  ${JSON.stringify(rest)}` : '';
  return `${programName}  ${levelName}  ${String(msg ?? '')}${fields}`;
}

function parse(line: string): Record<string, unknown> | null {
  if (!line.startsWith('{')) return null;
  try {
    const record: unknown = JSON.parse(line);
    return typeof record === 'object' && record !== null && 'level' in record
      ? (record as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
