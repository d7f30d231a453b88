import { once } from 'node:events';
import { type DestinationStream, type Logger, pino } from 'pino';
import { HIDDEN, SECRET_FIELDS, scrub } from './secrets.js';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  readonly level: LogLevel;
  /** The process that speaks: `edge`, `api`. */
  readonly name: string;
}

/** Secrets sit in a logged object itself, in its headers, or in an error or request below it. */
const REDACTED_PATHS = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]);

/** Lines that wait for a slow reader, bytes; those that come on top of it are dropped. */
export const LOG_BUFFER_MAX_BYTES = 4 * 1024 * 1024;

type Output = ReturnType<typeof pino.destination>;

let output: Output | null = null;
let ending: Promise<void> | null = null;

function openOutput(): Output {
  if (output === null) {
    output = pino.destination({ dest: 1, sync: false, maxLength: LOG_BUFFER_MAX_BYTES });
    // Nobody reads any more, so nothing is left to be waited for.
    output.once('error', () => {
      ending = Promise.resolve();
    });
  }
  return output;
}

/**
 * Writes out what was logged to stdout and logs no more; to be awaited before a process exits. Left to
 * its exit handler, sonic-boom would write a last line to a reader that is gone for ever and ever.
 */
export function endLog(): Promise<void> {
  ending ??= output === null ? Promise.resolve() : end(output);
  return ending;
}

async function end(stream: Output): Promise<void> {
  const closed = once(stream, 'close');
  stream.end();
  stream.write = () => true;
  // Rejects where the reader is gone by now.
  await closed.catch(() => undefined);
}

/** JSON lines on stdout, or on `destination`. */
export function createLogger(options: LoggerOptions, destination?: DestinationStream): Logger {
  return pino(
    {
      level: options.level,
      name: options.name,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: REDACTED_PATHS, censor: HIDDEN },
      // Field names cannot catch an address inside a message or a stack: the finished line is looked at.
      hooks: { streamWrite: scrub },
    },
    destination ?? openOutput(),
  );
}
