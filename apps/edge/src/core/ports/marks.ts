import type { Position } from '@halley/shared/protocol';

/** How far a session had seen its channels with one answer. */
export interface Mark {
  /** What the client shows to go on from here. */
  readonly seq: number;
  /** In the order in which the session named its channels. */
  readonly seen: readonly (readonly [channel: string, position: Position])[];
}

/** The last marks of sessions that hold no connection between two requests, for whatever edge is next. */
export interface MarkStore {
  /**
   * Lets a session that there is live on for `lifeMs`.
   * @returns its marks, the newest last; none where there is no such session
   * @throws RefusedError `unavailable`
   */
  read(session: string, lifeMs: number): Promise<readonly Mark[]>;
  /**
   * Adds marks as the newest, or makes them the newest again; old ones beyond a few are dropped.
   * @throws RefusedError `unavailable`
   */
  note(session: string, marks: readonly Mark[], lifeMs: number): Promise<void>;
}
