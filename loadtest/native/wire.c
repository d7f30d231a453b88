#include "wire.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "loop.h"

enum {
  RECEIVED_MAX_BYTES = 1 << 20,
  SENT_MAX_BYTES = FRAME_MAX_BYTES - 8,
  CHUNK_HEAD_MAX_BYTES = 16
};

size_t make_frame(unsigned char *frame, enum opcode opcode, struct span payload) {
  size_t length = payload.length;
  if (length > SENT_MAX_BYTES) die("a frame of %zu bytes is too large for the load client", length);
  size_t head = length < 126 ? 2 : 4;
  frame[0] = (unsigned char)(0x80 | opcode);
  frame[1] = (unsigned char)(0x80 | (length < 126 ? length : 126));
  if (head == 4) {
    frame[2] = (unsigned char)(length >> 8);
    frame[3] = (unsigned char)length;
  }
  memset(frame + head, 0, 4);
  memcpy(frame + head + 4, payload.bytes, length);
  return head + 4 + length;
}

void send_frame(int fd, enum opcode opcode, struct span payload) {
  unsigned char frame[FRAME_MAX_BYTES];
  write_whole(fd, frame, make_frame(frame, opcode, payload));
}

size_t take_frame(struct span input, enum opcode *opcode, struct span *payload) {
  const unsigned char *head = (const unsigned char *)input.bytes;
  if (input.length < 2) return 0;
  size_t size = 2, length = head[1] & 127;
  if (length == 127) {
    if (input.length < 10) return 0;
    size = 10;
    length = 0;
    for (int i = 2; i < 10; i++) length = length << 8 | head[i];
    if (length > RECEIVED_MAX_BYTES) die("a frame of %zu bytes", length);
  }
  if (length == 126) {
    if (input.length < 4) return 0;
    size = 4;
    length = (size_t)head[2] << 8 | head[3];
  }
  if (input.length < size + length) return 0;
  *opcode = head[0] & 15;
  *payload = (struct span){input.bytes + size, length};
  return size + length;
}

int close_code(struct span payload) {
  const unsigned char *code = (const unsigned char *)payload.bytes;
  return payload.length < 2 ? 1005 : code[0] << 8 | code[1];
}

size_t take_head(struct span input, struct span *head) {
  const char *end = memmem(input.bytes, input.length, "\r\n\r\n", 4);
  if (end == NULL) return 0;
  *head = (struct span){input.bytes, (size_t)(end - input.bytes) + 4};
  return head->length;
}

size_t body_length(struct span head) {
  const char *field = strcasestr(head.bytes, "\r\ncontent-length:");
  if (field == NULL || field > head.bytes + head.length) {
    die("an answer without content-length: %.*s", (int)head.length, head.bytes);
  }
  return strtoul(field + 17, NULL, 10);
}

/* uWebSockets.js sends the line break that ends a chunk with the next one. */
size_t take_chunk(struct span input, struct span *payload) {
  size_t gap = input.length >= 2 && memcmp(input.bytes, "\r\n", 2) == 0 ? 2 : 0;
  const char *line = input.bytes + gap;
  size_t left = input.length - gap;
  const char *end = memmem(line, left < CHUNK_HEAD_MAX_BYTES ? left : CHUNK_HEAD_MAX_BYTES, "\r\n", 2);
  if (end == NULL) return 0;
  size_t head = (size_t)(end - line) + 2, length = strtoull(line, NULL, 16);
  if (left < head + length) return 0;
  *payload = (struct span){line + head, length};
  return gap + head + length;
}
