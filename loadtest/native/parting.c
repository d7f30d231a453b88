/* The connection that a client leaves goes on until the one to the next edge is ready. */
#include <stdlib.h>
#include <unistd.h>
#include <sys/epoll.h>

#include "visitor.h"

struct parting {
  struct source source;
  struct visitor *visitor;
  struct rest rest;
  struct parting *next_over;
};

/* Their events may stand in the turn that is under way. */
static struct parting *over;

void partings_free(void) {
  while (over != NULL) {
    struct parting *next = over->next_over;
    free(over);
    over = next;
  }
}

void parting_end(struct visitor *visitor) {
  struct parting *parting = visitor->parting;
  if (parting == NULL) return;
  close(parting->source.fd);
  parting->source.fd = -1;
  keep_rest(&parting->rest, NULL, 0);
  parting->next_over = over;
  over = parting;
  visitor->parting = NULL;
}

static size_t take_old_frame(struct visitor *visitor, struct span input, bool *is_over) {
  enum opcode opcode;
  struct span payload;
  size_t used = take_frame(input, &opcode, &payload);
  if (used == 0) return 0;
  if (opcode == OPCODE_TEXT) take_native_frame(visitor, payload, true);
  if (opcode == OPCODE_CLOSE) *is_over = true;
  return used;
}

static void on_events(struct source *source, uint32_t events) {
  (void)events;
  struct parting *parting = (struct parting *)source;
  struct visitor *visitor = parting->visitor;
  if (source->fd < 0) return;
  char *bytes = NULL;
  ssize_t received = read_incoming(source->fd, &parting->rest, &bytes);
  if (received < 0 && is_too_early()) return;
  bool is_over = received < 0;
  size_t count = is_over ? 0 : (size_t)received, used = 0, step = 1;
  /* What comes over HTTP after the next request, which says how far its client is, comes there again. */
  if (visitor_options.wire != WIRE_WS) used = count;
  while (used < count && step > 0 && !is_over) {
    step = take_old_frame(visitor, (struct span){bytes + used, count - used}, &is_over);
    used += step;
  }
  if (!is_over) {
    keep_rest(&parting->rest, bytes + used, count - used);
    return;
  }
  visitor_counts.cut++;
  parting_end(visitor);
}

void visitor_part(struct visitor *visitor) {
  struct parting *parting = take_memory(1, sizeof *parting);
  *parting = (struct parting){.source = {visitor->source.fd, on_events}, .visitor = visitor, .rest = visitor->rest};
  loop_change(&parting->source, EPOLLIN);
  visitor->parting = parting;
  visitor->rest = (struct rest){0};
  visitor_counts.ready--;
}
