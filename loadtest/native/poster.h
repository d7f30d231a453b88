/* Keep-alive HTTP connections that POST one message each at a time, without pipelining. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Twenty of these in a body are replaced by the time of the request in nanoseconds. */
#define TIME_PLACEHOLDER "####################"

struct poster_options {
  int port;
  int connections;
  const char *bearer;
  /* Lines `path <tab> body`, used in turn. */
  char **posts;
  size_t post_count;
  /* Called with the time from request to answer. */
  void (*on_answer)(uint64_t took_ns);
};

struct poster_counts {
  uint64_t sent;
  uint64_t answered;
};

extern struct poster_counts poster_counts;

void poster_open(const struct poster_options *options);

/* Sends the next message if a connection is free; time_ns is written into it. Returns 0 if none is. */
int poster_send(uint64_t time_ns);
