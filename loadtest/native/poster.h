/* Keep-alive HTTP connections with one request under way each, without pipelining. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lines.h"

/* Twenty of these in a body are replaced by the time of the request in nanoseconds. */
#define TIME_PLACEHOLDER "####################"

struct poster_options {
  int port;
  int connections;
  const char *bearer;
  /* `<method> <path>[<tab><body>]`, used in turn. */
  struct lines lines;
  /* What each answer must contain `items` times; NULL: nothing is looked for. */
  const char *item;
  size_t items;
  /* Called with the time from request to answer. */
  void (*on_answer)(uint64_t took_ns);
};

struct poster_counts {
  uint64_t sent;
  uint64_t answered;
};

extern struct poster_counts poster_counts;

void poster_open(const struct poster_options *options);

/* Sends the next request if a connection is free; time_ns is written into it. */
bool poster_send(uint64_t time_ns);
