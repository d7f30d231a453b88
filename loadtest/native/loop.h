/* One thread, one epoll set, one clock: what every part of the load client stands on. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct source {
  int fd;
  void (*on_events)(struct source *self, uint32_t events);
};

/* CLOCK_MONOTONIC: one clock for all processes of a machine. */
uint64_t now_ns(void);

/* User and system time of this process, in seconds. */
double cpu_seconds(void);

/* Prints one line to stderr and ends the process: a load that is not whole measures nothing. */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);

void loop_open(void);
void loop_add(struct source *source, uint32_t events);
void loop_change(struct source *source, uint32_t events);

/* Waits at most wait_ms and handles what is there. */
void loop_turn(int wait_ms);

/* A connection to 127.0.0.1 that is being opened; EPOLLOUT says when it is there. */
int connect_to(int port);

/* Writes all of it; our requests are far smaller than a socket's buffer, so a short write is fatal. */
void write_whole(int fd, const void *bytes, unsigned long count);
