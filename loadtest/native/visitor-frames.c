/* What the frames of the native wire mean to one who must get each message once and in order. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"
#include "visitor.h"

enum { SHOWN_BYTES = 150 };

#define STARTS_WITH(span, text) \
  ((span).length >= sizeof text - 1 && memcmp((span).bytes, text, sizeof text - 1) == 0)

uint32_t *private_times;
size_t private_time_count;
static size_t private_time_room;

static const char *after_text(struct span span, const char *text) {
  const char *found = memmem(span.bytes, span.length, text, strlen(text));
  return found == NULL ? NULL : found + strlen(text);
}

static void blame(const char *kind, struct visitor *visitor, struct span frame) {
  int length = (int)(frame.length < SHOWN_BYTES ? frame.length : SHOWN_BYTES);
  fault(kind, "client %" PRIu32 " at %" PRIu32 ": %.*s", visitor_options.first + visitor_index(visitor),
        visitor->number, length, frame.bytes);
}

static void note_time(uint64_t sent_ns) {
  if (private_time_count == private_time_room) {
    private_time_room = private_time_room == 0 ? 256 : 2 * private_time_room;
    private_times = realloc(private_times, private_time_room * sizeof *private_times);
    if (private_times == NULL) die("out of memory");
  }
  private_times[private_time_count++] = (uint32_t)((now_ns() - sent_ns) / 1000);
}

static void take_message(struct visitor *visitor, struct span frame) {
  const char *channel = after_text(frame, "\"channel\":\""), *number = after_text(frame, "\"data\":{\"n\":");
  const char *own = visitor_channel(visitor);
  size_t length = strlen(own);
  if (channel == NULL || number == NULL || strncmp(channel, own, length) != 0 || channel[length] != '"') {
    blame("foreign message", visitor, frame);
    return;
  }
  uint64_t now = now_ns();
  visitor_counts.messages++;
  visitor_counts.last_message_ns = now;
  if (visitor_counts.first_message_ns == 0) visitor_counts.first_message_ns = now;
  uint32_t n = (uint32_t)strtoul(number, NULL, 10);
  if (n <= visitor->number) blame("repeated message", visitor, frame);
  if (n > visitor->number + 1) blame("lost message", visitor, frame);
  if (n > visitor->number) visitor->number = n;
  if (!read_position(frame, "\"id\":\"", &visitor->seen)) blame("bad position", visitor, frame);
}

static void take_private(struct visitor *visitor, struct span frame) {
  const char *to = after_text(frame, "\"data\":{\"to\":"), *number = after_text(frame, "\"p\":");
  const char *sent = after_text(frame, "\"sentNs\":\"");
  uint32_t own = visitor_options.first + visitor_index(visitor);
  if (to == NULL || number == NULL || sent == NULL || strtoul(to, NULL, 10) != own) {
    blame("foreign private message", visitor, frame);
    return;
  }
  visitor_counts.privates++;
  uint16_t p = (uint16_t)strtoul(number, NULL, 10);
  if (p <= visitor->privates) blame("repeated private message", visitor, frame);
  if (p > visitor->privates + 1) blame("lost private message", visitor, frame);
  if (p > visitor->privates) visitor->privates = p;
  note_time(strtoull(sent, NULL, 10));
  if (!read_position(frame, "\"id\":\"", &visitor->queue)) blame("bad position", visitor, frame);
}

/* Where the server begins. A replay that follows moves the position message by message. */
static void take_recovery(struct visitor *visitor, struct span frame, struct position *position) {
  bool is_resume = is_position(position);
  if (is_resume && after_text(frame, "\"recovered\":true") == NULL) blame("not recovered", visitor, frame);
  bool is_replayed = after_text(frame, "\"replayed\":") != NULL && after_text(frame, "\"replayed\":0") == NULL;
  if (is_resume && is_replayed) return;
  if (!read_position(frame, "\"position\":\"", position)) blame("bad position", visitor, frame);
}

static void take_subscribed(struct visitor *visitor, struct span frame) {
  if (visitor->state == READY) {
    blame("unexpected frame", visitor, frame);
    return;
  }
  if (is_position(&visitor->seen)) visitor_counts.resumed++;
  take_recovery(visitor, frame, &visitor->seen);
  visitor_ready(visitor);
}

static void take_goodbye(struct visitor *visitor, struct span frame) {
  const char *delay = after_text(frame, "\"retryAfterMs\":");
  if (delay == NULL || visitor->is_moving) blame("unexpected frame", visitor, frame);
  else visitor_leave(visitor, strtoull(delay, NULL, 10));
}

/* What the old connection still brings counts until the new one has said how far its client has come. */
static bool is_overlapping(const struct visitor *visitor, bool is_queue) {
  bool is_said_first = is_queue || visitor_options.wire != WIRE_WS;
  return visitor->state >= (is_said_first ? REQUESTED : GREETED);
}

void take_native_frame(struct visitor *visitor, struct span frame, bool is_parting) {
  if (STARTS_WITH(frame, "{\"type\":\"message\"")) {
    if (!is_parting || !is_overlapping(visitor, false)) take_message(visitor, frame);
  } else if (STARTS_WITH(frame, "{\"type\":\"private\"")) {
    if (!is_parting || !is_overlapping(visitor, true)) take_private(visitor, frame);
  } else if (STARTS_WITH(frame, "{\"type\":\"welcome\"") && !is_parting && visitor->state != READY) {
    take_recovery(visitor, frame, &visitor->queue);
  } else if (STARTS_WITH(frame, "{\"type\":\"subscribed\"") && !is_parting) {
    take_subscribed(visitor, frame);
  } else if (STARTS_WITH(frame, "{\"type\":\"goodbye\"") && !is_parting) {
    take_goodbye(visitor, frame);
  } else if (STARTS_WITH(frame, "{\"type\":\"gap\"")) {
    blame("gap", visitor, frame);
  } else if (STARTS_WITH(frame, "{\"type\":\"error\"")) {
    blame("refusal", visitor, frame);
  } else {
    blame("unexpected frame", visitor, frame);
  }
}
