#include "poster.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "loop.h"
#include "wire.h"

enum { ANSWER_BYTES = 1 << 20, TIME_DIGITS = sizeof TIME_PLACEHOLDER - 1 };

struct request {
  char *text;
  size_t length;
  /* Where the time goes; NULL if the body has no place for it. */
  char *time;
};

struct connection {
  struct source source;
  bool is_open;
  uint64_t sent_ns;
  size_t count;
  char *answer;
};

struct poster_counts poster_counts;
static struct poster_options options;
static struct request *requests;
static size_t next_request;
static struct connection *connections;
static struct connection **idle;
static int idle_count;

static struct request make_request(const char *line) {
  const char *tab = strchr(line, '\t');
  const char *body = tab == NULL ? "" : tab + 1;
  int head = tab == NULL ? (int)strlen(line) : (int)(tab - line);
  struct request request = {0};
  int length = tab == NULL
                   ? asprintf(&request.text, "%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\n\r\n",
                              line, options.port, options.bearer)
                   : asprintf(&request.text,
                              "%.*s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\n"
                              "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                              head, line, options.port, options.bearer, strlen(body), body);
  if (length < 0) die("out of memory");
  request.length = (size_t)length;
  request.time = strstr(request.text, TIME_PLACEHOLDER);
  return request;
}

/* The whole length of the answer in the buffer, 0 while its head is not whole. */
static size_t answer_length(const struct connection *connection) {
  struct span head;
  size_t length = take_head((struct span){connection->answer, connection->count}, &head);
  return length == 0 ? 0 : length + body_length(head);
}

/* An answer of 200 may still hold a refusal for one message of a batch. */
static void check_items(const char *answer) {
  if (options.item == NULL) return;
  size_t items = 0;
  for (const char *found = answer; (found = strstr(found, options.item)) != NULL; found++) items++;
  if (items != options.items) {
    die("an answer with %zu of %zu times %s: %.500s", items, options.items, options.item, answer);
  }
}

static void receive(struct connection *connection) {
  size_t space = ANSWER_BYTES - connection->count - 1;
  if (space == 0) die("an answer of more than %d bytes", ANSWER_BYTES);
  ssize_t received = recv(connection->source.fd, connection->answer + connection->count, space, 0);
  if (received < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (received <= 0) die("an HTTP connection ended: %s", received < 0 ? strerror(errno) : "closed");
  connection->count += (size_t)received;
  connection->answer[connection->count] = '\0';
  size_t length = answer_length(connection);
  if (length == 0 || connection->count < length) return;
  if (strncmp(connection->answer, "HTTP/1.1 2", 10) != 0) die("a refusal: %.500s", connection->answer);
  check_items(connection->answer);
  connection->count = 0;
  poster_counts.answered++;
  idle[idle_count++] = connection;
  options.on_answer(now_ns() - connection->sent_ns);
}

static void on_events(struct source *source, uint32_t events) {
  struct connection *connection = (struct connection *)source;
  if (connection->is_open) {
    receive(connection);
    return;
  }
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) die("port %d refused a connection", options.port);
  connection->is_open = true;
  loop_change(source, EPOLLIN);
  idle[idle_count++] = connection;
}

void poster_open(const struct poster_options *given) {
  options = *given;
  requests = take_memory(options.lines.count, sizeof *requests);
  connections = take_memory((size_t)options.connections, sizeof *connections);
  idle = take_memory((size_t)options.connections, sizeof(struct connection *));
  for (size_t i = 0; i < options.lines.count; i++) requests[i] = make_request(options.lines.items[i]);
  for (int i = 0; i < options.connections; i++) {
    connections[i].answer = take_memory(ANSWER_BYTES, 1);
    connections[i].source = (struct source){connect_to(options.port, 0), on_events};
    loop_add(&connections[i].source, EPOLLOUT);
  }
  while (idle_count < options.connections) loop_turn(100);
}

bool poster_send(uint64_t time_ns) {
  if (idle_count == 0) return false;
  struct connection *connection = idle[--idle_count];
  struct request *request = &requests[next_request];
  next_request = (next_request + 1) % options.lines.count;
  if (request->time != NULL) {
    char digits[TIME_DIGITS + 1];
    snprintf(digits, sizeof digits, "%020" PRIu64, time_ns);
    memcpy(request->time, digits, TIME_DIGITS);
  }
  connection->sent_ns = now_ns();
  poster_counts.sent++;
  write_whole(connection->source.fd, request->text, request->length);
  return true;
}
