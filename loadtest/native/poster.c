#include "poster.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "loop.h"

enum { ANSWER_BYTES = 8192, TIME_DIGITS = sizeof TIME_PLACEHOLDER - 1 };

struct request {
  char *text;
  size_t length;
  /* Where the time goes; NULL if the body has no place for it. */
  char *time;
};

struct connection {
  struct source source;
  int opened;
  uint64_t sent_ns;
  size_t count;
  char answer[ANSWER_BYTES];
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
  if (tab == NULL) die("a line of posts has no tab: %s", line);
  struct request request = {0};
  int length = asprintf(&request.text,
                        "POST %.*s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\n"
                        "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                        (int)(tab - line), line, options.port, options.bearer, strlen(tab + 1), tab + 1);
  if (length < 0) die("out of memory");
  request.length = (size_t)length;
  request.time = strstr(request.text, TIME_PLACEHOLDER);
  return request;
}

/* The whole length of the answer in the buffer, 0 while its head is not whole. */
static size_t answer_length(const struct connection *connection) {
  const char *end = strstr(connection->answer, "\r\n\r\n");
  if (end == NULL) return 0;
  const char *field = strcasestr(connection->answer, "\r\ncontent-length:");
  if (field == NULL || field > end) die("an answer without content-length: %s", connection->answer);
  return (size_t)(end - connection->answer) + 4 + strtoul(field + 17, NULL, 10);
}

static void receive(struct connection *connection) {
  size_t space = sizeof connection->answer - connection->count - 1;
  ssize_t received = recv(connection->source.fd, connection->answer + connection->count, space, 0);
  if (received < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (received <= 0) die("an HTTP connection ended: %s", received < 0 ? strerror(errno) : "closed");
  connection->count += (size_t)received;
  connection->answer[connection->count] = '\0';
  size_t length = answer_length(connection);
  if (length == 0 || connection->count < length) return;
  if (strncmp(connection->answer, "HTTP/1.1 2", 10) != 0) die("a refusal: %s", connection->answer);
  connection->count = 0;
  poster_counts.answered++;
  idle[idle_count++] = connection;
  options.on_answer(now_ns() - connection->sent_ns);
}

static void on_events(struct source *source, uint32_t events) {
  struct connection *connection = (struct connection *)source;
  if (connection->opened) {
    receive(connection);
    return;
  }
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) die("port %d refused a connection", options.port);
  connection->opened = 1;
  loop_change(source, EPOLLIN);
  idle[idle_count++] = connection;
}

void poster_open(const struct poster_options *given) {
  options = *given;
  requests = calloc(options.post_count, sizeof *requests);
  connections = calloc((size_t)options.connections, sizeof *connections);
  idle = calloc((size_t)options.connections, sizeof(struct connection *));
  if (requests == NULL || connections == NULL || idle == NULL) die("out of memory");
  for (size_t i = 0; i < options.post_count; i++) requests[i] = make_request(options.posts[i]);
  for (int i = 0; i < options.connections; i++) {
    connections[i].source = (struct source){connect_to(options.port), on_events};
    loop_add(&connections[i].source, EPOLLOUT);
  }
  while (idle_count < options.connections) loop_turn(100);
}

int poster_send(uint64_t time_ns) {
  if (idle_count == 0) return 0;
  struct connection *connection = idle[--idle_count];
  struct request *request = &requests[next_request];
  next_request = (next_request + 1) % options.post_count;
  if (request->time != NULL) {
    char digits[TIME_DIGITS + 1];
    snprintf(digits, sizeof digits, "%020" PRIu64, time_ns);
    memcpy(request->time, digits, TIME_DIGITS);
  }
  connection->sent_ns = now_ns();
  poster_counts.sent++;
  write_whole(connection->source.fd, request->text, request->length);
  return 1;
}
