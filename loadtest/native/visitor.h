/* One of many clients of Halley, which checks what it receives. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "incoming.h"
#include "loop.h"
#include "position.h"
#include "wire.h"

/* BARE is a WebSocket that says and expects nothing. */
enum visitor_wire { WIRE_WS, WIRE_SSE, WIRE_POLL, WIRE_BARE };

/* In the order in which a connection goes through them. GREETED: all that the resume depends on is said. */
enum visitor_state { ABSENT, FAILED, WAITING, CONNECTING, REQUESTED, GREETED, READY };

/* The kernel looks for a free port one by one: with half of an address' ports in use that takes longer than
   all the rest of a connect. */
enum { SOURCE_ADDRESSES = 8 };

struct parting;

struct visitor {
  struct source source;
  struct rest rest;
  /* The last one that was published to all, as far as it has seen. */
  uint32_t number;
  struct position seen, queue;
  /* The connection to an edge that goes away, until the next one is ready. */
  struct parting *parting;
  uint16_t privates;
  uint8_t state;
  bool is_moving;
};

struct visitor_options {
  enum visitor_wire wire;
  /* The first of SOURCE_ADDRESSES source addresses, host order. */
  uint32_t from;
  /* Number of the first of them, and how many there are. */
  uint32_t first;
  uint32_t count;
  /* In turn. */
  const char **channels;
  size_t channel_count;
  /* One per visitor and line, all of one length. */
  const char *tokens;
  size_t token_bytes;
};

struct visitor_counts {
  /* How many are connecting, and ready. */
  uint32_t opening, ready;
  /* What came so far. */
  uint64_t messages, privates;
  /* Resumes that were answered, and connections that were left for another edge. */
  uint64_t resumed, moved;
  /* Pings of the server that were answered. */
  uint64_t pings;
  /* Connections whose end was expected, and those that a leaving edge has cut before they were left. */
  uint64_t ended, cut;
  uint64_t ready_ns, first_message_ns, last_message_ns;
};

extern struct visitor_options visitor_options;
extern struct visitor_counts visitor_counts;
extern struct visitor *visitors;

/* Microseconds from the sending of a private message to its receipt. */
extern uint32_t *private_times;
extern size_t private_time_count;

void visitors_start(const struct visitor_options *options);

/* Connects to `port` those below `upto` that were never open, at most `opening_max` at a time. */
void visitors_open(int port, uint32_t upto, uint32_t opening_max);
/* Ends the connections of `count` of those that are ready, each as likely as any other. */
void visitors_drop(uint32_t count, uint64_t seed);
/* Whether connections may end, as when their edge is killed; `visitors_return` connects all that are not
   there, from where they were, and sets it back. */
void visitors_let_go(bool may_end);
void visitors_return(int port, uint32_t opening_max);
/* Where those go whose edge says goodbye. */
void visitors_move_to(int port, uint32_t opening_max);
/* Begins what may begin. Returns how long the loop may wait, ms. */
int visitors_step(void);

/* visitors.c, for the files beside it */
void visitors_create(const struct visitor_options *options);
uint32_t visitor_index(const struct visitor *visitor);
const char *visitor_channel(const struct visitor *visitor);
void visitor_connect(struct visitor *visitor, int port);
void visitor_ready(struct visitor *visitor);
void visitor_send(struct visitor *visitor, const void *bytes, size_t count);
void visitor_close(struct visitor *visitor, enum visitor_state state);
/* Its connection has ended: a fault, where that was not to be. */
void visitor_lose(struct visitor *visitor, const char *kind, const char *why);

/* visitor-line.c: it was told to go elsewhere. */
void visitor_leave(struct visitor *visitor, uint64_t after_ms);
/* A poll that a leaving edge did not answer any more is asked again elsewhere: its cursor holds there. */
bool visitor_asks_again(struct visitor *visitor);

/* parting.c: its connection becomes the one that it leaves; the end of that one; after a turn. */
void visitor_part(struct visitor *visitor);
void parting_end(struct visitor *visitor);
void partings_free(void);

/* visitor-wire.c: what a connection says first, and what is cut out of its bytes; 0 while nothing is whole. */
void visitor_request(struct visitor *visitor);
size_t visitor_take(struct visitor *visitor, struct span input);

/* visitor-frames.c */
void take_native_frame(struct visitor *visitor, struct span frame, bool is_parting);
