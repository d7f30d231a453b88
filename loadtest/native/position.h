/* Positions in 16 bytes: a million clients keep two each. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wire.h"

enum { POSITION_TEXT_BYTES = 40 };

/* `<ms>-<seq>.<nonce>`; without a nonce `0-<ms>`; all zero: none. */
struct position {
  uint64_t ms;
  uint32_t seq;
  char nonce[4];
};

bool is_position(const struct position *position);

/* Reads the string that follows `field`, which is `"name":"`. */
bool read_position(struct span frame, const char *field, struct position *position);

/* Into POSITION_TEXT_BYTES; returns `text`. */
const char *position_text(const struct position *position, char *text);
