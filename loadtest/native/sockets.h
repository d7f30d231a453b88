/* Many subscribers on one thread: WebSockets, HTTP answers without end, polls. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lines.h"
#include "wire.h"

struct sockets_options {
  int port;
  /* Of more servers, used in turn; none: only the one above. */
  struct lines ports;
  int connections;
  /* How many are being opened at once. */
  int opening_max;
  /*
   * What each is, used in turn: `<kind> <ready frames> <target>[<tab><hello>]`.
   * kind         ws, eio (a WebSocket of Engine.IO, whose pings are texts), stream or poll
   * ready frames what the server says before a connection counts as ready; of a poll: answers
   * target       of the request; a poll adds `&cursor=` with what the last answer gave
   * hello        text frame to send once open
   */
  struct lines lines;
  /* What a message contains, once in each. */
  const char *marker;
  /* Called per message, or NULL where counting is enough. */
  void (*on_message)(struct span payload);
  /* Called per text frame that is no message, once a connection is ready; NULL: there must be none. */
  void (*on_answer)(size_t connection, struct span payload);
};

struct sockets_counts {
  uint64_t messages;
  uint64_t message_bytes;
  /* Reads that brought at least one message: messages / reads shows whether the server joins them. */
  uint64_t reads;
};

extern struct sockets_counts sockets_counts;

/* Opens all; returns when all are ready, with the time that it took. */
uint64_t sockets_open(const struct sockets_options *options);

/* A text frame from one of them. */
void sockets_say(size_t connection, const char *text);
