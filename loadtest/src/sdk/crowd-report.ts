/** What a process full of SDK clients is asked, and what it answers. */

export interface CrowdOptions {
  readonly url: string;
  /** One client for each, subscribed to it alone. */
  readonly channels: readonly string[];
}

/** Questions over IPC. */
export const STATUS_QUESTION = 'crowd:status';
export const REPORT_QUESTION = 'crowd:report';

export interface CrowdStatus {
  /** Clients whose first subscription stands. */
  readonly subscribed: number;
  /** Clients that were connected a second time. */
  readonly returned: number;
  /** The highest number that came to every client. */
  readonly through: number;
  readonly errors: readonly string[];
}

/** Times by the machine's monotonic clock, one for each client unless it says otherwise. */
export interface CrowdReport {
  /** Beginnings of all attempts after the first connection was lost. */
  readonly attemptsMs: readonly number[];
  /** Beginning of the attempt that was welcome. */
  readonly arrivalsMs: readonly number[];
  readonly welcomesMs: readonly number[];
  /** How the clients are connected now: number by transport. */
  readonly transports: Readonly<Record<string, number>>;
  /** In all; one for each client is right. */
  readonly reconnects: number;
  readonly received: number;
  readonly holes: number;
  /** Sum of the highest numbers. */
  readonly through: number;
  readonly repeated: number;
  readonly reordered: number;
  readonly gaps: number;
}
