import type { MarkStore } from '../../core/ports/marks.js';
import type { Site as NativeHttpSite } from '../native-http/site.js';

/** What all connections of this door share. */
export interface Site extends NativeHttpSite {
  readonly sessions: MarkStore;
}
