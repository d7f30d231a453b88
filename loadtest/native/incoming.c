#include "incoming.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "loop.h"

enum { BUFFER_BYTES = 1 << 20 };

static char buffer[BUFFER_BYTES];

ssize_t read_incoming(int fd, const struct rest *rest, char **bytes) {
  size_t count = rest->count;
  if (count > 0) memcpy(buffer, rest->bytes, count);
  if (count >= sizeof buffer - 1) die("a frame of more than %d bytes", BUFFER_BYTES);
  ssize_t received = recv(fd, buffer + count, sizeof buffer - count - 1, 0);
  if (received == 0) errno = EPIPE;
  if (received <= 0) return -1;
  *bytes = buffer;
  buffer[count + (size_t)received] = '\0';
  return (ssize_t)count + received;
}

int is_too_early(void) { return errno == EAGAIN || errno == EINTR; }

void keep_rest(struct rest *rest, const char *bytes, size_t count) {
  if (count == 0 && rest->bytes == NULL) return;
  char *kept = NULL;
  if (count > 0) {
    kept = take_memory(count, 1);
    memcpy(kept, bytes, count);
  }
  free(rest->bytes);
  *rest = (struct rest){kept, (uint32_t)count};
}
