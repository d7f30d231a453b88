/* One thread, one epoll set, one clock: what every part of the load clients stands on. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NS_PER_MS = 1000000, NS_PER_S = 1000000000 };

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

/* Memory, zeroed; ends the process where there is none. */
void *take_memory(size_t count, size_t size);

void loop_open(void);
void loop_add(struct source *source, uint32_t events);
void loop_change(struct source *source, uint32_t events);

/* Waits at most wait_ms and handles what is there. */
void loop_turn(int wait_ms);

/* The end of standard input is the end of the process: a load never outlives its parent. */
void loop_watch_parent(void);

/* As many files as the machine allows. */
void raise_file_limit(void);

/* A connection from any port of `from` (host order; 0: as the kernel likes) to 127.0.0.1 that is being
   opened; EPOLLOUT says when it is there. */
int connect_to(int port, uint32_t from);

/* Writes all of it; our requests are far smaller than a socket's buffer, so a short write is fatal. */
void write_whole(int fd, const void *bytes, size_t count);
