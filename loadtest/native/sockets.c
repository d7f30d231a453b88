#include "sockets.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"

/* Below a listener's accept queue (512 in uWS), so that no SYN is dropped and sent again after 1 s. */
enum { OPENING_MAX = 200, OPEN_DEADLINE_S = 60, BUFFER_BYTES = 1 << 20 };
enum { OPCODE_TEXT = 1, OPCODE_CLOSE = 8, OPCODE_PING = 9, OPCODE_PONG = 10 };
enum state { CONNECTING, UPGRADING, OPEN };

static const char MESSAGE_HEAD[] = "{\"type\":\"message\"";

struct connection {
  struct source source;
  enum state state;
  int frames;
  /* Bytes of an incomplete frame or response; NULL between whole ones, which is nearly always. */
  char *rest;
  size_t rest_bytes;
};

struct sockets_counts sockets_counts;
static struct sockets_options options;
static struct connection *connections;
static int started, ready;
static char buffer[BUFFER_BYTES];

static void send_frame(int fd, int opcode, const void *payload, size_t length) {
  /* The mask key is zero, so the payload stays as it is. */
  unsigned char frame[8 + 4096] = {(unsigned char)(0x80 | opcode)};
  if (length > 4096) die("a frame of %zu bytes is too large for the load client", length);
  size_t head = length < 126 ? 2 : 4;
  frame[1] = (unsigned char)(0x80 | (length < 126 ? length : 126));
  if (head == 4) {
    frame[2] = (unsigned char)(length >> 8);
    frame[3] = (unsigned char)length;
  }
  memcpy(frame + head + 4, payload, length);
  write_whole(fd, frame, head + 4 + length);
}

static void start_next(void);

static void became_ready(struct connection *connection) {
  if (connection->frames != options.ready_frames) return;
  ready++;
  start_next();
}

static void request_plain(struct connection *connection, const char *target) {
  char request[12288];
  int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", target,
                        options.port);
  if (length >= (int)sizeof request) die("a request target is too long");
  write_whole(connection->source.fd, request, (size_t)length);
  connection->state = UPGRADING;
  loop_change(&connection->source, EPOLLIN);
  /* A request that parks is never answered while it is held. */
  became_ready(connection);
}

static void upgrade(struct connection *connection) {
  const char *target = options.targets[(size_t)(connection - connections) % options.target_count];
  if (options.marker != NULL) {
    request_plain(connection, target);
    return;
  }
  char request[12288];
  int length = snprintf(request, sizeof request,
                        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                        target, options.port);
  if (length >= (int)sizeof request) die("a request target is too long");
  write_whole(connection->source.fd, request, (size_t)length);
  connection->state = UPGRADING;
  loop_change(&connection->source, EPOLLIN);
}

/* Returns the bytes used, 0 while the response is not whole. */
static size_t take_response(struct connection *connection, const char *bytes, size_t count) {
  const char *end = memmem(bytes, count, "\r\n\r\n", 4);
  if (end == NULL) return 0;
  const char *wanted = options.marker == NULL ? "HTTP/1.1 101" : "HTTP/1.1 200";
  if (count < 12 || memcmp(bytes, wanted, 12) != 0) {
    die("the request was refused: %.*s", (int)(end - bytes), bytes);
  }
  connection->state = OPEN;
  if (options.marker != NULL) return (size_t)(end - bytes) + 4;
  if (options.hello != NULL) {
    send_frame(connection->source.fd, OPCODE_TEXT, options.hello, strlen(options.hello));
  }
  became_ready(connection);
  return (size_t)(end - bytes) + 4;
}

static void take_text(struct connection *connection, const char *payload, size_t length) {
  connection->frames++;
  if (length > sizeof MESSAGE_HEAD && memcmp(payload, MESSAGE_HEAD, sizeof MESSAGE_HEAD - 1) == 0) {
    sockets_counts.messages++;
    sockets_counts.message_bytes += length;
    if (options.on_message != NULL) options.on_message(payload, length);
  } else if (connection->frames > options.ready_frames || strstr(payload, "\"error\"") == payload + 8) {
    die("an unexpected frame: %.*s", (int)length, payload);
  }
  became_ready(connection);
}

static void take_frame(struct connection *connection, int opcode, const char *payload, size_t length) {
  if (opcode == OPCODE_TEXT) {
    take_text(connection, payload, length);
  } else if (opcode == OPCODE_PING) {
    send_frame(connection->source.fd, OPCODE_PONG, payload, length);
  } else if (opcode == OPCODE_CLOSE) {
    const unsigned char *code = (const unsigned char *)payload;
    die("the server closed a connection: %d", length >= 2 ? code[0] << 8 | code[1] : 1005);
  }
}

/*
 * A chunk is `<length in hex>\r\n<bytes>\r\n`; uWS sends its last line break with the next one. Returns the
 * bytes used, 0 while it is not whole.
 */
static size_t take_chunk(struct connection *connection, const char *bytes, size_t count) {
  if (count >= 2 && memcmp(bytes, "\r\n", 2) == 0) return 2;
  const char *line = memmem(bytes, count < 16 ? count : 16, "\r\n", 2);
  if (line == NULL) return 0;
  size_t head = (size_t)(line - bytes) + 2, length = strtoull(bytes, NULL, 16);
  if (length == 0) die("the server ended an answer");
  if (count < head + length) return 0;
  const char *payload = bytes + head;
  connection->frames++;
  if (memmem(payload, length, options.marker, strlen(options.marker)) != NULL) {
    sockets_counts.messages++;
    sockets_counts.message_bytes += length;
    if (options.on_message != NULL) options.on_message(payload, length);
  }
  became_ready(connection);
  return head + length;
}

/* A server's frame is not masked. Returns the bytes used, 0 while the frame is not whole. */
static size_t take_next(struct connection *connection, const char *bytes, size_t count) {
  if (connection->state == UPGRADING) return take_response(connection, bytes, count);
  if (options.marker != NULL) return take_chunk(connection, bytes, count);
  const unsigned char *head = (const unsigned char *)bytes;
  if (count < 2) return 0;
  size_t size = 2, length = head[1] & 127;
  if (length == 127) die("a frame of 64 KiB or more");
  if (length == 126) {
    if (count < 4) return 0;
    size = 4;
    length = (size_t)head[2] << 8 | head[3];
  }
  if (count < size + length) return 0;
  take_frame(connection, head[0] & 15, bytes + size, length);
  return size + length;
}

static void keep_rest(struct connection *connection, const char *bytes, size_t count) {
  char *rest = count == 0 ? NULL : malloc(count);
  if (count > 0 && rest == NULL) die("out of memory");
  if (rest != NULL) memcpy(rest, bytes, count);
  free(connection->rest);
  connection->rest = rest;
  connection->rest_bytes = count;
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
  size_t used = 0, step;
  while (used < count && (step = take_next(connection, buffer + used, count - used)) > 0) used += step;
  if (sockets_counts.messages != messages) sockets_counts.reads++;
  if (used < count || connection->rest != NULL) keep_rest(connection, buffer + used, count - used);
}

static void on_events(struct source *source, uint32_t events) {
  struct connection *connection = (struct connection *)source;
  if (connection->state != CONNECTING) {
    receive(connection);
    return;
  }
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) die("port %d refused a connection", options.port);
  upgrade(connection);
}

static void start_next(void) {
  if (started == options.connections) return;
  struct connection *connection = &connections[started++];
  connection->source = (struct source){connect_to(options.port), on_events};
  loop_add(&connection->source, EPOLLOUT);
}

void sockets_open(const struct sockets_options *given) {
  options = *given;
  connections = calloc((size_t)options.connections, sizeof *connections);
  if (connections == NULL) die("out of memory");
  uint64_t deadline = now_ns() + OPEN_DEADLINE_S * 1000000000ull;
  for (int i = 0; i < OPENING_MAX; i++) start_next();
  while (ready < options.connections) {
    if (now_ns() > deadline) die("%d of %d connections became ready", ready, options.connections);
    loop_turn(100);
  }
}
