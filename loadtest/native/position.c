#include "position.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool is_position(const struct position *position) { return position->ms != 0; }

bool read_position(struct span frame, const char *field, struct position *position) {
  const char *found = memmem(frame.bytes, frame.length, field, strlen(field));
  if (found == NULL) return false;
  char *rest;
  uint64_t ms = strtoull(found + strlen(field), &rest, 10);
  if (*rest != '-') return false;
  uint64_t second = strtoull(rest + 1, &rest, 10);
  if (ms == 0) {
    *position = (struct position){.ms = second};
    return *rest == '"';
  }
  *position = (struct position){.ms = ms, .seq = (uint32_t)second};
  if (second > UINT32_MAX || *rest != '.' || memchr(rest + 1, '"', 4) != NULL) return false;
  memcpy(position->nonce, rest + 1, sizeof position->nonce);
  return rest[5] == '"';
}

const char *position_text(const struct position *position, char *text) {
  if (position->nonce[0] == '\0') snprintf(text, POSITION_TEXT_BYTES, "0-%" PRIu64, position->ms);
  else
    snprintf(text, POSITION_TEXT_BYTES, "%" PRIu64 "-%" PRIu32 ".%.4s", position->ms, position->seq,
             position->nonce);
  return text;
}
