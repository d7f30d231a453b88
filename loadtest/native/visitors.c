/* How a connection begins, reads, writes and ends. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "faults.h"
#include "visitor.h"

struct visitor_options visitor_options;
struct visitor_counts visitor_counts;
struct visitor *visitors;
static bool is_letting_go;

uint32_t visitor_index(const struct visitor *visitor) { return (uint32_t)(visitor - visitors); }

const char *visitor_channel(const struct visitor *visitor) {
  size_t number = visitor_options.first + visitor_index(visitor);
  return visitor_options.channels[number % visitor_options.channel_count];
}

void visitors_create(const struct visitor_options *options) {
  visitor_options = *options;
  visitors = take_memory(options->count, sizeof *visitors);
  for (uint32_t i = 0; i < options->count; i++) visitors[i].source.fd = -1;
}

void visitors_let_go(bool may_end) { is_letting_go = may_end; }

void visitor_close(struct visitor *visitor, enum visitor_state state) {
  if (visitor->state >= CONNECTING && visitor->state < READY) visitor_counts.opening--;
  if (visitor->state == READY) visitor_counts.ready--;
  close(visitor->source.fd);
  visitor->source.fd = -1;
  keep_rest(&visitor->rest, NULL, 0);
  visitor->state = (uint8_t)state;
}

void visitor_lose(struct visitor *visitor, const char *kind, const char *why) {
  if (visitor->source.fd < 0) return;
  if (visitor->is_moving && visitor->state == READY) {
    /* It was told to go and still stands in line. It comes back all the same. */
    visitor_close(visitor, ABSENT);
    visitor_counts.cut++;
    return;
  }
  if (visitor->state == READY && visitor_asks_again(visitor)) return;
  visitor_close(visitor, is_letting_go ? ABSENT : FAILED);
  if (is_letting_go) visitor_counts.ended++;
  else fault(kind, "client %u: %.160s", visitor_options.first + visitor_index(visitor), why);
}

void visitor_send(struct visitor *visitor, const void *bytes, size_t count) {
  if (visitor->source.fd < 0) return;
  ssize_t written = send(visitor->source.fd, bytes, count, MSG_NOSIGNAL);
  if (written < 0) visitor_lose(visitor, "broken connection", strerror(errno));
  else if ((size_t)written != count) visitor_lose(visitor, "broken connection", "the socket is full");
}

void visitor_ready(struct visitor *visitor) {
  visitor->state = READY;
  visitor_counts.opening--;
  visitor_counts.ready++;
  visitor_counts.ready_ns = now_ns();
  if (visitor->is_moving) visitor_counts.moved++;
  visitor->is_moving = false;
  parting_end(visitor);
}

static void receive(struct visitor *visitor) {
  int fd = visitor->source.fd;
  char *bytes;
  ssize_t received = read_incoming(fd, &visitor->rest, &bytes);
  if (received < 0) {
    if (!is_too_early()) visitor_lose(visitor, "broken connection", strerror(errno));
    return;
  }
  size_t count = (size_t)received, used = 0, step = 1;
  while (used < count && step > 0 && visitor->source.fd == fd) {
    step = visitor_take(visitor, (struct span){bytes + used, count - used});
    used += step;
  }
  if (visitor->source.fd == fd) keep_rest(&visitor->rest, bytes + used, count - used);
}

static void on_events(struct source *source, uint32_t events) {
  struct visitor *visitor = (struct visitor *)source;
  if (source->fd < 0) return;
  if (visitor->state != CONNECTING) {
    receive(visitor);
    return;
  }
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
    visitor_lose(visitor, "refused connection", "nobody takes it");
    return;
  }
  visitor->state = REQUESTED;
  visitor_request(visitor);
  if (source->fd >= 0) loop_change(source, EPOLLIN);
}

void visitor_connect(struct visitor *visitor, int port) {
  uint32_t from = visitor_options.from + visitor_index(visitor) % SOURCE_ADDRESSES;
  visitor->source = (struct source){connect_to(port, from), on_events};
  visitor->state = CONNECTING;
  visitor_counts.opening++;
  loop_add(&visitor->source, EPOLLOUT);
}
