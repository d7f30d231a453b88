#include "loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_PER_TURN = 512 };

static int epoll_fd = -1;

uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

double cpu_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

void die(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
  exit(1);
}

void *take_memory(size_t count, size_t size) {
  void *memory = calloc(count, size);
  if (memory == NULL) die("out of memory");
  return memory;
}

void loop_open(void) {
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0) die("epoll_create1: %s", strerror(errno));
}

static void control(int operation, struct source *source, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = source};
  if (epoll_ctl(epoll_fd, operation, source->fd, &event) < 0) die("epoll_ctl: %s", strerror(errno));
}

void loop_add(struct source *source, uint32_t events) { control(EPOLL_CTL_ADD, source, events); }

void loop_change(struct source *source, uint32_t events) { control(EPOLL_CTL_MOD, source, events); }

void loop_turn(int wait_ms) {
  struct epoll_event events[EVENTS_PER_TURN];
  int count = epoll_wait(epoll_fd, events, EVENTS_PER_TURN, wait_ms);
  if (count < 0 && errno != EINTR) die("epoll_wait: %s", strerror(errno));
  for (int i = 0; i < count; i++) {
    struct source *source = events[i].data.ptr;
    source->on_events(source, events[i].events);
  }
}

static void on_parent(struct source *source, uint32_t events) {
  (void)events;
  char byte;
  if (read(source->fd, &byte, 1) <= 0) exit(0);
}

void loop_watch_parent(void) {
  static struct source parent = {.fd = STDIN_FILENO, .on_events = on_parent};
  loop_add(&parent, EPOLLIN);
}

void raise_file_limit(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

static void bind_to(int fd, uint32_t from) {
  int on = 1;
  /* The port is chosen at the connect: each address has all its ports for every server port. */
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(from)};
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) die("bind: %s", strerror(errno));
}

int connect_to(int port, uint32_t from) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket: %s", strerror(errno));
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  /* A reset at the end leaves no TIME_WAIT: five rounds of 10,000 would use up the local ports. */
  struct linger reset = {.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  if (from != 0) bind_to(fd, from);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int result = connect(fd, (struct sockaddr *)&address, sizeof address);
  if (result < 0 && errno != EINPROGRESS) die("connect to port %d: %s", port, strerror(errno));
  return fd;
}

void write_whole(int fd, const void *bytes, size_t count) {
  ssize_t written = send(fd, bytes, count, MSG_NOSIGNAL);
  if (written < 0) die("send: %s", strerror(errno));
  if ((size_t)written != count) die("send: the socket took %zd of %zu bytes", written, count);
}
