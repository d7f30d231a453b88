#include "faults.h"

#include <stdarg.h>
#include <string.h>

#include "loop.h"

enum { KINDS_MAX = 32, TEXTS_MAX = 3, TEXT_MAX_BYTES = 200 };

struct kind {
  const char *name;
  unsigned long count;
  char texts[TEXTS_MAX][TEXT_MAX_BYTES];
};

static struct kind kinds[KINDS_MAX];
static int kind_count;

static struct kind *find_kind(const char *name) {
  for (int i = 0; i < kind_count; i++) {
    if (strcmp(kinds[i].name, name) == 0) return &kinds[i];
  }
  if (kind_count == KINDS_MAX) die("more than %d kinds of faults", KINDS_MAX);
  kinds[kind_count].name = name;
  return &kinds[kind_count++];
}

void fault(const char *name, const char *format, ...) {
  struct kind *kind = find_kind(name);
  if (kind->count < TEXTS_MAX) {
    va_list args;
    va_start(args, format);
    vsnprintf(kind->texts[kind->count], TEXT_MAX_BYTES, format, args);
    va_end(args);
  }
  kind->count++;
}

static void print_text(FILE *file, const char *text) {
  fputc('"', file);
  for (; *text != '\0'; text++) {
    unsigned char byte = (unsigned char)*text;
    /* A text that was cut may end inside of a character. */
    if (byte == '"' || byte == '\\') fprintf(file, "\\%c", byte);
    else fputc(byte < ' ' || byte > '~' ? '?' : byte, file);
  }
  fputc('"', file);
}

void print_faults(FILE *file) {
  fputc('{', file);
  for (int i = 0; i < kind_count; i++) {
    const struct kind *kind = &kinds[i];
    fprintf(file, "%s\"%s\":{\"count\":%lu,\"texts\":[", i == 0 ? "" : ",", kind->name, kind->count);
    for (unsigned long j = 0; j < kind->count && j < TEXTS_MAX; j++) {
      if (j > 0) fputc(',', file);
      print_text(file, kind->texts[j]);
    }
    fputs("]}", file);
  }
  fputc('}', file);
}
