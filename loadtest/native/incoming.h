/* Reads of many connections through one buffer. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* Bytes of an incomplete frame or answer; NULL between whole ones, which is nearly always. */
struct rest {
  char *bytes;
  uint32_t count;
};

/* Into a buffer that the next call uses again, behind the rest and with a zero byte at its end. Returns how
   many bytes there are; -1 with errno, of EPIPE where the other side has ended the connection. */
ssize_t read_incoming(int fd, const struct rest *rest, char **bytes);

/* Whether the last read only came too early. */
int is_too_early(void);

/* Keeps what was not used. */
void keep_rest(struct rest *rest, const char *bytes, size_t count);
