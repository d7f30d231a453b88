#include "sockets.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "loop.h"

enum { OPEN_DEADLINE_S = 120, BUFFER_BYTES = 4 << 20, REQUEST_MAX_BYTES = 12288 };
enum kind { WEBSOCKET, ENGINE_IO, STREAM, POLL };
enum state { CONNECTING, REQUESTED, OPEN };

static const char *const KINDS[] = {"ws", "eio", "stream", "poll"};

struct line {
  enum kind kind;
  int ready_frames;
  const char *target;
  const char *hello;
};

struct connection {
  struct source source;
  enum state state;
  int frames;
  const struct line *line;
  /* Of a poll: where the next one begins. */
  char *cursor;
  /* Bytes of an incomplete frame or answer; NULL between whole ones, which is nearly always. */
  char *rest;
  size_t rest_bytes;
};

struct sockets_counts sockets_counts;
static struct sockets_options options;
static struct line *lines;
static struct connection *connections;
static size_t marker_length;
static int started, ready;
static char buffer[BUFFER_BYTES];

static void start_next(void);

static struct line parse_line(char *text) {
  for (size_t kind = 0; kind < sizeof KINDS / sizeof KINDS[0]; kind++) {
    size_t length = strlen(KINDS[kind]);
    if (strncmp(text, KINDS[kind], length) != 0 || text[length] != ' ') continue;
    struct line line = {.kind = (enum kind)kind};
    line.ready_frames = (int)strtol(text + length, &text, 10);
    line.target = text + 1;
    char *tab = strchr(text, '\t');
    if (tab != NULL) {
      *tab = '\0';
      line.hello = tab + 1;
    }
    return line;
  }
  die("not a kind of connection: %s", text);
}

static bool is_http(const struct connection *connection) {
  return connection->line->kind == STREAM || connection->line->kind == POLL;
}

static void note_ready(const struct connection *connection) {
  if (connection->frames != connection->line->ready_frames) return;
  ready++;
  start_next();
}

static void request(struct connection *connection) {
  static const char upgrade[] =
      "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  char text[REQUEST_MAX_BYTES];
  const char *cursor = connection->cursor;
  int length = snprintf(text, sizeof text, "GET %s%s%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s\r\n",
                        connection->line->target, cursor == NULL ? "" : "&cursor=",
                        cursor == NULL ? "" : cursor, options.port, is_http(connection) ? "" : upgrade);
  if (length >= (int)sizeof text) die("a request target is too long");
  write_whole(connection->source.fd, text, (size_t)length);
  connection->state = REQUESTED;
}

/* Messages lie at the same place in every payload of a run, so the last place is looked at first. */
static const char *find_marker(struct span payload) {
  static size_t last;
  if (last + marker_length <= payload.length &&
      memcmp(payload.bytes + last, options.marker, marker_length) == 0) {
    return payload.bytes + last;
  }
  const char *found = memmem(payload.bytes, payload.length, options.marker, marker_length);
  if (found != NULL) last = (size_t)(found - payload.bytes);
  return found;
}

static void count_message(struct span payload) {
  sockets_counts.messages++;
  sockets_counts.message_bytes += payload.length;
  if (options.on_message != NULL) options.on_message(payload);
}

static void take_text(struct connection *connection, struct span payload) {
  if (connection->line->kind == ENGINE_IO && payload.length == 1 && payload.bytes[0] == '2') {
    send_frame(connection->source.fd, OPCODE_TEXT, (struct span){"3", 1});
    return;
  }
  if (find_marker(payload) != NULL) {
    count_message(payload);
    return;
  }
  bool is_refusal = memmem(payload.bytes, payload.length, "\"type\":\"error\"", 14) != NULL;
  bool is_ready = connection->frames >= connection->line->ready_frames;
  if (is_refusal || (is_ready && options.on_answer == NULL)) {
    die("an unexpected frame: %.*s", (int)payload.length, payload.bytes);
  }
  if (is_ready) {
    options.on_answer((size_t)(connection - connections), payload);
    return;
  }
  connection->frames++;
  note_ready(connection);
}

static size_t take_websocket(struct connection *connection, struct span input) {
  enum opcode opcode;
  struct span payload;
  size_t used = take_frame(input, &opcode, &payload);
  if (used == 0) return 0;
  if (opcode == OPCODE_TEXT) take_text(connection, payload);
  if (opcode == OPCODE_PING) send_frame(connection->source.fd, OPCODE_PONG, payload);
  if (opcode == OPCODE_CLOSE) die("the server closed a connection: %d", close_code(payload));
  return used;
}

/* A write may carry several messages. */
static void count_messages(struct span payload) {
  const char *end = payload.bytes + payload.length, *found;
  while ((found = find_marker(payload)) != NULL) {
    const char *next = found + marker_length;
    count_message((struct span){found, (size_t)(end - found)});
    payload = (struct span){next, (size_t)(end - next)};
  }
}

static size_t take_stream(struct connection *connection, struct span input) {
  struct span payload;
  size_t used = take_chunk(input, &payload);
  if (used == 0) return 0;
  if (payload.length == 0) die("the server ended an answer");
  if (connection->frames < connection->line->ready_frames) {
    connection->frames++;
    note_ready(connection);
  }
  count_messages(payload);
  return used;
}

static void keep_cursor(struct connection *connection, struct span body) {
  static const char field[] = "\"cursor\":\"";
  const char *start = memmem(body.bytes, body.length, field, sizeof field - 1);
  if (start == NULL) die("an answer without cursor: %.*s", (int)body.length, body.bytes);
  start += sizeof field - 1;
  free(connection->cursor);
  connection->cursor = strndup(start, (size_t)(strchr(start, '"') - start));
}

static size_t take_poll(struct connection *connection, struct span input) {
  struct span head;
  size_t used = take_head(input, &head);
  if (used == 0) return 0;
  struct span body = {input.bytes + used, body_length(head)};
  if (input.length < used + body.length) return 0;
  keep_cursor(connection, body);
  count_messages(body);
  if (connection->frames < connection->line->ready_frames) {
    connection->frames++;
    note_ready(connection);
  }
  request(connection);
  return used + body.length;
}

/* Of an upgrade, or of an answer without end. */
static size_t take_answer_head(struct connection *connection, struct span input) {
  struct span head;
  size_t used = take_head(input, &head);
  if (used == 0) return 0;
  const char *wanted = is_http(connection) ? "HTTP/1.1 200" : "HTTP/1.1 101";
  if (head.length < 12 || memcmp(head.bytes, wanted, 12) != 0) {
    die("the request was refused: %.*s", (int)head.length, head.bytes);
  }
  connection->state = OPEN;
  const char *hello = connection->line->hello;
  if (hello != NULL) {
    send_frame(connection->source.fd, OPCODE_TEXT, (struct span){hello, strlen(hello)});
  }
  if (connection->line->kind != STREAM) note_ready(connection);
  return used;
}

static size_t take_next(struct connection *connection, struct span input) {
  if (connection->line->kind == POLL) return take_poll(connection, input);
  if (connection->state == REQUESTED) return take_answer_head(connection, input);
  if (connection->line->kind == STREAM) return take_stream(connection, input);
  return take_websocket(connection, input);
}

static void keep_rest(struct connection *connection, struct span rest) {
  char *kept = NULL;
  if (rest.length > 0) {
    kept = take_memory(rest.length, 1);
    memcpy(kept, rest.bytes, rest.length);
  }
  free(connection->rest);
  connection->rest = kept;
  connection->rest_bytes = rest.length;
}

static void receive(struct connection *connection) {
  size_t count = connection->rest_bytes;
  if (count > 0) memcpy(buffer, connection->rest, count);
  /* One byte stays for the zero that ends the text. */
  ssize_t received = recv(connection->source.fd, buffer + count, sizeof buffer - count - 1, 0);
  if (received < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (received < 0) die("a connection broke: %s", strerror(errno));
  if (received == 0) die("the server ended a connection without a close frame");
  count += (size_t)received;
  buffer[count] = '\0';
  uint64_t messages = sockets_counts.messages;
  size_t used = 0, step = 1;
  while (used < count && step > 0) {
    step = take_next(connection, (struct span){buffer + used, count - used});
    used += step;
  }
  if (sockets_counts.messages != messages) sockets_counts.reads++;
  if (used < count || connection->rest != NULL) {
    keep_rest(connection, (struct span){buffer + used, count - used});
  }
}

static void on_events(struct source *source, uint32_t events) {
  struct connection *connection = (struct connection *)source;
  if (connection->state != CONNECTING) {
    receive(connection);
    return;
  }
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) die("port %d refused a connection", options.port);
  request(connection);
  loop_change(source, EPOLLIN);
  /* A request that is parked at once is never answered while it is held. */
  if (is_http(connection)) note_ready(connection);
}

static int port_of(int connection) {
  const struct lines *ports = &options.ports;
  return ports->count == 0 ? options.port : atoi(ports->items[(size_t)connection % ports->count]);
}

static void start_next(void) {
  if (started == options.connections) return;
  struct connection *connection = &connections[started];
  connection->line = &lines[(size_t)started % options.lines.count];
  connection->source = (struct source){connect_to(port_of(started), 0), on_events};
  started++;
  loop_add(&connection->source, EPOLLOUT);
}

uint64_t sockets_open(const struct sockets_options *given) {
  options = *given;
  marker_length = strlen(options.marker);
  lines = take_memory(options.lines.count, sizeof *lines);
  for (size_t i = 0; i < options.lines.count; i++) lines[i] = parse_line(options.lines.items[i]);
  connections = take_memory((size_t)options.connections, sizeof *connections);
  uint64_t begun = now_ns(), deadline = begun + OPEN_DEADLINE_S * (uint64_t)NS_PER_S;
  for (int i = 0; i < options.opening_max; i++) start_next();
  while (ready < options.connections) {
    if (now_ns() > deadline) die("%d of %d connections became ready", ready, options.connections);
    loop_turn(100);
  }
  return now_ns() - begun;
}

void sockets_say(size_t connection, const char *text) {
  send_frame(connections[connection].source.fd, OPCODE_TEXT, (struct span){text, strlen(text)});
}
