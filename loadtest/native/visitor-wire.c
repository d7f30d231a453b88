/* How the wires of an edge are spoken: what is sent first, and how frames are cut out of what comes. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>

#include "faults.h"
#include "visitor.h"

enum { REQUEST_MAX_BYTES = 4096, HELLO_MAX_BYTES = 512, POLL_WAIT_SECONDS = 60 };

static const char UPGRADE[] =
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/* `&cursor=1~<channel>~~<queue>` of one who was here before. */
static void print_cursor(const struct visitor *visitor, char *text, size_t room) {
  char seen[POSITION_TEXT_BYTES], queue[POSITION_TEXT_BYTES];
  text[0] = '\0';
  if (!is_position(&visitor->seen)) return;
  snprintf(text, room, "&cursor=1~%s~~%s", position_text(&visitor->seen, seen),
           position_text(&visitor->queue, queue));
}

static int print_target(const struct visitor *visitor, char *text, size_t room) {
  const char *token = visitor_options.tokens + visitor_index(visitor) * (visitor_options.token_bytes + 1);
  int length = (int)visitor_options.token_bytes;
  const char *channel = visitor_channel(visitor);
  char cursor[128], queue[POSITION_TEXT_BYTES];
  print_cursor(visitor, cursor, sizeof cursor);
  switch (visitor_options.wire) {
    case WIRE_WS:
      if (!is_position(&visitor->queue)) return snprintf(text, room, "/v1/ws?token=%.*s", length, token);
      return snprintf(text, room, "/v1/ws?token=%.*s&queueAfter=%s", length, token,
                      position_text(&visitor->queue, queue));
    case WIRE_SSE:
      return snprintf(text, room, "/v1/sse?channel=%s&token=%.*s%s", channel, length, token, cursor);
    case WIRE_POLL:
      /* One who comes back is told so at once; the next polls wait. */
      return snprintf(text, room, "/v1/poll?channel=%s&token=%.*s&wait=%d%s%s", channel, length, token,
                      POLL_WAIT_SECONDS, cursor, visitor->state == READY || cursor[0] == '\0' ? "" : "&hello=1");
    default:
      return snprintf(text, room, "/held");
  }
}

void visitor_request(struct visitor *visitor) {
  char target[REQUEST_MAX_BYTES], text[REQUEST_MAX_BYTES + 256];
  if (print_target(visitor, target, sizeof target) >= (int)sizeof target) die("a request target is too long");
  bool is_upgrade = visitor_options.wire == WIRE_WS || visitor_options.wire == WIRE_BARE;
  int length = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n", target,
                        is_upgrade ? UPGRADE : "");
  visitor_send(visitor, text, (size_t)length);
}

static void say_hello(struct visitor *visitor) {
  char hello[HELLO_MAX_BYTES], seen[POSITION_TEXT_BYTES];
  unsigned char frame[FRAME_MAX_BYTES];
  bool is_back = is_position(&visitor->seen);
  int length = snprintf(hello, sizeof hello, "{\"type\":\"subscribe\",\"ref\":1,\"channel\":\"%s\"%s%s%s}",
                        visitor_channel(visitor), is_back ? ",\"after\":\"" : "",
                        is_back ? position_text(&visitor->seen, seen) : "", is_back ? "\"" : "");
  visitor->state = GREETED;
  visitor_send(visitor, frame, make_frame(frame, OPCODE_TEXT, (struct span){hello, (size_t)length}));
}

static bool is_status(struct span head, const char *status) {
  return head.length >= 12 && memcmp(head.bytes + 9, status, 3) == 0;
}

/* Of an upgrade, or of an answer without end. */
static size_t take_answer_head(struct visitor *visitor, struct span input) {
  struct span head;
  size_t used = take_head(input, &head);
  if (used == 0) return 0;
  if (!is_status(head, visitor_options.wire == WIRE_SSE ? "200" : "101")) {
    visitor_lose(visitor, "refused request", head.bytes);
  } else if (visitor_options.wire == WIRE_WS) {
    say_hello(visitor);
  } else {
    visitor->state = GREETED;
    if (visitor_options.wire == WIRE_BARE) visitor_ready(visitor);
  }
  return used;
}

static size_t take_websocket(struct visitor *visitor, struct span input) {
  enum opcode opcode;
  struct span payload;
  size_t used = take_frame(input, &opcode, &payload);
  if (used == 0) return 0;
  if (opcode == OPCODE_TEXT) take_native_frame(visitor, payload, false);
  if (opcode == OPCODE_PING) {
    unsigned char frame[FRAME_MAX_BYTES];
    visitor_counts.pings++;
    visitor_send(visitor, frame, make_frame(frame, OPCODE_PONG, payload));
  }
  if (opcode == OPCODE_CLOSE) {
    char why[160];
    snprintf(why, sizeof why, "%d %.*s", close_code(payload), (int)(payload.length < 2 ? 0 : payload.length - 2),
             payload.bytes + 2);
    visitor_lose(visitor, "unasked close", why);
  }
  return used;
}

static void take_events(struct visitor *visitor, struct span events) {
  static const char field[] = "data: {";
  const char *end = events.bytes + events.length;
  for (const char *line = events.bytes; line < end;) {
    const char *stop = memchr(line, '\n', (size_t)(end - line));
    if (stop == NULL) stop = end;
    size_t length = (size_t)(stop - line);
    if (length >= sizeof field - 1 && memcmp(line, field, sizeof field - 1) == 0) {
      take_native_frame(visitor, (struct span){line + 6, length - 6}, false);
    }
    line = stop + 1;
  }
}

static size_t take_stream(struct visitor *visitor, struct span input) {
  struct span chunk;
  size_t used = take_chunk(input, &chunk);
  if (used == 0) return 0;
  if (chunk.length == 0) visitor_lose(visitor, "unasked end", "the answer ended");
  take_events(visitor, chunk);
  return used;
}

/* The length of the object that the text begins with; 0 if there is none. */
static size_t object_length(struct span text) {
  int depth = 0;
  bool is_string = false;
  for (size_t i = 0; i < text.length; i++) {
    char byte = text.bytes[i];
    if (is_string && byte == '\\') i++;
    else if (byte == '"') is_string = !is_string;
    else if (!is_string && byte == '{') depth++;
    else if (!is_string && byte == '}' && --depth == 0) return i + 1;
    if (depth == 0) return 0;
  }
  return 0;
}

static void take_poll_body(struct visitor *visitor, struct span body) {
  static const char field[] = "\"frames\":[";
  const char *frame = memmem(body.bytes, body.length, field, sizeof field - 1);
  const char *end = body.bytes + body.length;
  if (frame == NULL) {
    visitor_lose(visitor, "bad answer", body.bytes);
    return;
  }
  for (frame += sizeof field - 1; frame < end && *frame != ']';) {
    size_t length = object_length((struct span){frame, (size_t)(end - frame)});
    take_native_frame(visitor, (struct span){frame, length}, false);
    frame += length;
    if (frame < end && (length == 0 || *frame == ',')) frame++;
  }
}

/* An edge that goes away answers its polls and takes no more on their connections. */
static bool is_last_answer(struct span head) {
  static const char field[] = "\r\nConnection: close\r\n";
  return memmem(head.bytes, head.length, field, sizeof field - 1) != NULL;
}

static size_t take_poll(struct visitor *visitor, struct span input) {
  struct span head;
  size_t used = take_head(input, &head);
  if (used == 0) return 0;
  struct span body = {input.bytes + used, body_length(head)};
  if (input.length < used + body.length) return 0;
  if (is_status(head, "503") && visitor->state == READY && is_last_answer(head)) {
    visitor_leave(visitor, 0);
  } else if (!is_status(head, "200")) {
    visitor_lose(visitor, "refused request", head.bytes);
  } else {
    take_poll_body(visitor, body);
    if (visitor->state == READY && !visitor->is_moving && is_last_answer(head)) visitor_leave(visitor, 0);
  }
  if (visitor->state == READY && !visitor->is_moving) visitor_request(visitor);
  return used + body.length;
}

size_t visitor_take(struct visitor *visitor, struct span input) {
  if (visitor_options.wire == WIRE_POLL) return take_poll(visitor, input);
  if (visitor->state == REQUESTED) return take_answer_head(visitor, input);
  if (visitor_options.wire == WIRE_SSE) return take_stream(visitor, input);
  return take_websocket(visitor, input);
}
