#!/usr/bin/env node
/** The `halley` command. */

import { parseArgs } from 'node:util';
import { EXIT } from './exit-codes.js';
import { start } from './start/start.js';

const HELP = `Usage: halley <command>

Commands
  start        run Redis (unless REDIS_URL is set), one api and the edges of this machine

Options
  -h, --help   this text

Settings come from environment variables: .env.example lists all of them with their defaults.
Exit codes: 0 stopped as asked, 64 wrong usage, 78 wrong settings or a port that is taken,
130 stopped at once by a second Ctrl-C.
`;

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  const args = parse(argv);
  if (typeof args === 'string') return misuse(args);
  if (args.help) {
    process.stdout.write(HELP);
    return EXIT.ok;
  }
  const [command, ...rest] = args.words;
  if (command === undefined) return misuse('there is no command');
  if (command !== 'start') return misuse(`there is no command ${command}`);
  if (rest.length > 0) return misuse(`start takes no argument, not ${rest.join(' ')}`);
  return start(process.env);
}

interface Args {
  readonly help: boolean;
  readonly words: readonly string[];
}

/** The arguments, or what is wrong with them. */
function parse(argv: readonly string[]): Args | string {
  try {
    const options = { help: { type: 'boolean', short: 'h', default: false } } as const;
    const parsed = parseArgs({ args: [...argv], options, allowPositionals: true });
    return { help: parsed.values.help, words: parsed.positionals };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function misuse(problem: string): number {
  process.stderr.write(`halley: ${problem}\n\n${HELP}`);
  return EXIT.usage;
}
