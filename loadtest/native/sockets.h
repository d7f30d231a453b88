/*
 * Many WebSockets, or HTTP answers without end, opened by hand-made requests; of what they receive, only
 * lengths are parsed.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct sockets_options {
  int port;
  int connections;
  /* Frames after which a connection is ready: what the server says before the first message. */
  int ready_frames;
  /* Request targets, used in turn. */
  char **targets;
  size_t target_count;
  /* A text frame to send once open, or NULL. */
  const char *hello;
  /* Plain HTTP: a chunk of the answer with this text in it is a message. NULL: WebSockets. */
  const char *marker;
  /* Called per `message` frame, or NULL where counting is enough. */
  void (*on_message)(const char *payload, size_t length);
};

struct sockets_counts {
  /* Frames of type `message`. */
  uint64_t messages;
  uint64_t message_bytes;
  /* Reads that brought at least one message: messages / reads shows whether the server joins them. */
  uint64_t reads;
};

extern struct sockets_counts sockets_counts;

/* Opens all and returns when all are ready. */
void sockets_open(const struct sockets_options *options);
