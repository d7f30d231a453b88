#include "lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "loop.h"

struct lines read_lines(const char *path) {
  FILE *file = fopen(path, "r");
  if (file == NULL) die("%s: %s", path, strerror(errno));
  struct lines lines = {0};
  char *line = NULL;
  size_t space = 0, room = 0;
  ssize_t length;
  while ((length = getline(&line, &space, file)) > 0) {
    if (line[length - 1] == '\n') line[length - 1] = '\0';
    if (lines.count == room) {
      room = room == 0 ? 64 : 2 * room;
      lines.items = realloc(lines.items, room * sizeof *lines.items);
      if (lines.items == NULL) die("out of memory");
    }
    lines.items[lines.count++] = line;
    line = NULL;
    space = 0;
  }
  free(line);
  fclose(file);
  if (lines.count == 0) die("%s is empty", path);
  return lines;
}
