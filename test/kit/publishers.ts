import { CALM, type PublishBounds } from '@halley/shared/publish';

/** For publishers of tests that are about something else. */
export const UNBOUNDED: PublishBounds = {
  pending: { messages: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY },
  load: CALM,
};
