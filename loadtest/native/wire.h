/*
 * How bytes are cut into frames, answers and chunks; only lengths are parsed. Whatever is taken returns the
 * bytes it used, 0 while it is not whole. Texts end in a zero byte where the buffer does.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum opcode { OPCODE_TEXT = 1, OPCODE_CLOSE = 8, OPCODE_PING = 9, OPCODE_PONG = 10 };

struct span {
  const char *bytes;
  size_t length;
};

/* Of a frame with its head. */
enum { FRAME_MAX_BYTES = 16392 };

/* A WebSocket frame to a server, masked with zeros; at most 16 KiB of payload. Returns its length. */
size_t make_frame(unsigned char *frame, enum opcode opcode, struct span payload);

/* Makes and writes it. */
void send_frame(int fd, enum opcode opcode, struct span payload);

/* A frame from a server; longer ones than 1 MiB end the process. */
size_t take_frame(struct span input, enum opcode *opcode, struct span *payload);

/* The number in a close frame; 1005 without. */
int close_code(struct span payload);

/* The head of an HTTP answer, its line break included. */
size_t take_head(struct span input, struct span *head);

/* The length of the body that a head announces; ends the process where it announces none. */
size_t body_length(struct span head);

/* A chunk of an answer without end; one of no bytes is the answer's end. */
size_t take_chunk(struct span input, struct span *payload);
