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
    destination ?? pino.destination({ dest: 1, sync: false }),
  );
}
