/* Who connects when, and where to. */
#include "faults.h"
#include "visitor.h"

enum { IDLE_WAIT_MS = 1000 };

struct due {
  uint32_t index;
  uint64_t ns;
};

/* A ring: each visitor stands in it once at most. */
static struct due *line;
static uint32_t line_begin, line_length;
static uint32_t opened_upto, opening_max;
static int open_port, move_port;

static void queue_up(struct visitor *visitor, uint64_t due_ns) {
  uint32_t end = (line_begin + line_length++) % visitor_options.count;
  line[end] = (struct due){visitor_index(visitor), due_ns};
}

void visitors_start(const struct visitor_options *options) {
  visitors_create(options);
  line = take_memory(options->count, sizeof *line);
}

static void connect_next(void) {
  struct visitor *visitor = &visitors[line[line_begin].index];
  line_begin = (line_begin + 1) % visitor_options.count;
  line_length--;
  /* Its connection may have ended while it stood in line. */
  if (visitor->state == FAILED) return;
  int port = visitor->is_moving ? move_port : open_port;
  if (visitor->state == READY) visitor_part(visitor);
  visitor_connect(visitor, port);
}

int visitors_step(void) {
  partings_free();
  while (line_length > 0 && visitor_counts.opening < opening_max) {
    uint64_t now = now_ns(), due = line[line_begin].ns;
    if (due > now) return (int)((due - now) / NS_PER_MS) + 1;
    connect_next();
  }
  return IDLE_WAIT_MS;
}

static void wait_for_turn(struct visitor *visitor) {
  visitor->state = WAITING;
  queue_up(visitor, 0);
}

void visitors_open(int port, uint32_t upto, uint32_t max) {
  open_port = port;
  opening_max = max;
  if (upto > visitor_options.count) upto = visitor_options.count;
  while (opened_upto < upto) wait_for_turn(&visitors[opened_upto++]);
}

void visitors_return(int port, uint32_t max) {
  visitors_let_go(false);
  open_port = port;
  opening_max = max;
  for (uint32_t i = 0; i < opened_upto; i++) {
    if (visitors[i].state == ABSENT && !visitors[i].is_moving) wait_for_turn(&visitors[i]);
  }
}

void visitors_move_to(int port, uint32_t max) {
  move_port = port;
  opening_max = max;
}

void visitor_leave(struct visitor *visitor, uint64_t after_ms) {
  if (move_port == 0) {
    fault("unasked goodbye", "client %u", visitor_options.first + visitor_index(visitor));
    return;
  }
  visitor->is_moving = true;
  /* An answered poll has nothing more to bring. */
  if (visitor->state == READY && visitor_options.wire == WIRE_POLL) visitor_close(visitor, ABSENT);
  queue_up(visitor, now_ns() + after_ms * NS_PER_MS);
}

bool visitor_asks_again(struct visitor *visitor) {
  if (visitor_options.wire != WIRE_POLL || move_port == 0) return false;
  visitor_close(visitor, ABSENT);
  visitor_counts.cut++;
  visitor_leave(visitor, 0);
  return true;
}

static uint64_t next_random(uint64_t *state) {
  /* Knuth's constants; the upper bits are the good ones. */
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return *state >> 33;
}

void visitors_drop(uint32_t count, uint64_t seed) {
  uint32_t left = visitor_counts.ready;
  if (count > left) count = left;
  /* Each with the chance that makes all choices of `count` equally likely. */
  for (uint32_t i = 0; i < visitor_options.count && count > 0; i++) {
    if (visitors[i].state != READY) continue;
    if (next_random(&seed) % left-- >= count) continue;
    visitor_close(&visitors[i], ABSENT);
    visitor_counts.ended++;
    count--;
  }
}
