/* Files of one item per line. */
#pragma once

#include <stddef.h>

struct lines {
  char **items;
  size_t count;
};

/* Ends the process where the file cannot be read or is empty. */
struct lines read_lines(const char *path);
