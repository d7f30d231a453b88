/*
 * The load client. Node's own sockets cost more per received frame than uWS does per sent one, so a
 * client in Node measures itself; with this one the server's core is the first to be full.
 *
 *   load-client <mode> name=value...      modes and values: loadtest/README.md
 *
 * It prints one JSON object per line: {"event":"ready"}, {"event":"measuring"}, {"event":"closed"} at the
 * end of the window and {"event":"measured",...} once all is in. It ends with its standard input, so that
 * it never outlives its parent.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "histogram.h"
#include "loop.h"
#include "poster.h"
#include "sockets.h"

enum { NS_PER_MS = 1000000, NS_PER_S = 1000000000, SETTLE_MS = 5000 };

struct lines {
  char **items;
  size_t count;
};

static int argument_count;
static char **arguments;
static struct histogram latencies;
static struct histogram answer_times;
static int is_measuring;
static uint64_t window_opened_ns;
static double window_opened_cpu;

static const char *option(const char *name, const char *fallback) {
  size_t length = strlen(name);
  for (int i = 2; i < argument_count; i++) {
    if (strncmp(arguments[i], name, length) == 0 && arguments[i][length] == '=') {
      return arguments[i] + length + 1;
    }
  }
  if (fallback == NULL) die("%s= is missing", name);
  return fallback;
}

static int number(const char *name, const char *fallback) { return atoi(option(name, fallback)); }

static struct lines read_lines(const char *path) {
  FILE *file = fopen(path, "r");
  if (file == NULL) die("%s: %s", path, strerror(errno));
  struct lines lines = {0};
  char *line = NULL;
  size_t space = 0;
  ssize_t length;
  while ((length = getline(&line, &space, file)) > 0) {
    if (line[length - 1] == '\n') line[length - 1] = '\0';
    lines.items = realloc(lines.items, (lines.count + 1) * sizeof *lines.items);
    if (lines.items == NULL) die("out of memory");
    lines.items[lines.count++] = line;
    line = NULL;
  }
  fclose(file);
  if (lines.count == 0) die("%s is empty", path);
  return lines;
}

static void on_parent(struct source *source, uint32_t events) {
  (void)events;
  char byte;
  if (read(source->fd, &byte, 1) <= 0) exit(0);
}

static void on_message(const char *payload, size_t length) {
  static const char marker[] = "\"sentNs\":\"";
  if (!is_measuring) return;
  const char *found = memmem(payload, length, marker, sizeof marker - 1);
  if (found == NULL) die("a message without sentNs: %.*s", (int)length, payload);
  uint64_t sent_ns = strtoull(found + sizeof marker - 1, NULL, 10);
  /* What was sent before the window is not part of it. */
  if (sent_ns >= window_opened_ns) histogram_add(&latencies, now_ns() - sent_ns);
}

static void on_answer(uint64_t took_ns) {
  if (is_measuring) histogram_add(&answer_times, took_ns);
}

static void open_sockets(int with_latency) {
  struct lines targets = read_lines(option("targets", NULL));
  const char *hello = option("hello", "");
  const char *marker = option("marker", "");
  sockets_open(&(struct sockets_options){
      .port = number("ws-port", NULL),
      .connections = number("connections", NULL),
      .ready_frames = number("ready-frames", "0"),
      .targets = targets.items,
      .target_count = targets.count,
      .hello = hello[0] == '\0' ? NULL : hello,
      .marker = marker[0] == '\0' ? NULL : marker,
      .on_message = with_latency ? on_message : NULL,
  });
}

static void open_poster(void) {
  struct lines posts = read_lines(option("posts", NULL));
  poster_open(&(struct poster_options){
      .port = number("post-port", NULL),
      .connections = number("posters", "64"),
      .bearer = option("bearer", NULL),
      .posts = posts.items,
      .post_count = posts.count,
      .on_answer = on_answer,
  });
}

static void say(const char *event) {
  printf("{\"event\":\"%s\"}\n", event);
  fflush(stdout);
}

static struct sockets_counts counts_before;
static struct poster_counts posts_before;

static void open_window(void) {
  counts_before = sockets_counts;
  posts_before = poster_counts;
  window_opened_cpu = cpu_seconds();
  window_opened_ns = now_ns();
  is_measuring = 1;
  say("measuring");
}

/* Prints the window without its end, so that a mode can add what only it knows. */
static void close_window(void) {
  double seconds = (double)(now_ns() - window_opened_ns) / NS_PER_S;
  double cpu = cpu_seconds() - window_opened_cpu;
  is_measuring = 0;
  say("closed");
  printf("{\"event\":\"measured\",\"seconds\":%.6f,\"cpuSeconds\":%.6f,\"posts\":%" PRIu64
         ",\"deliveries\":%" PRIu64 ",\"deliveryBytes\":%" PRIu64 ",\"reads\":%" PRIu64
         ",\"answerP50Us\":%ld,\"answerP99Us\":%ld",
         seconds, cpu, poster_counts.answered - posts_before.answered,
         sockets_counts.messages - counts_before.messages,
         sockets_counts.message_bytes - counts_before.message_bytes,
         sockets_counts.reads - counts_before.reads, histogram_quantile(&answer_times, 0.5),
         histogram_quantile(&answer_times, 0.99));
}

/* Runs `step` before each turn for the warm-up and then for the window. */
static void run_window(void (*step)(void), int wait_ms) {
  uint64_t warm_end = now_ns() + (uint64_t)number("warm-ms", "500") * NS_PER_MS;
  while (now_ns() < warm_end) {
    step();
    loop_turn(wait_ms);
  }
  open_window();
  uint64_t end = window_opened_ns + (uint64_t)number("measure-ms", NULL) * NS_PER_MS;
  while (now_ns() < end) {
    step();
    loop_turn(wait_ms);
  }
  close_window();
}

/* Every message must have reached every socket; returns how many did not. */
static uint64_t missing_deliveries(int connections) {
  uint64_t end = now_ns() + (uint64_t)SETTLE_MS * NS_PER_MS;
  uint64_t expected = poster_counts.sent * (uint64_t)connections;
  while (sockets_counts.messages < expected && now_ns() < end) loop_turn(10);
  if (sockets_counts.messages > expected) die("more messages arrived than were sent");
  return expected - sockets_counts.messages;
}

static int fan_out_connections;

/*
 * The next message goes out when half of the last one has arrived: it waits at the edge when the edge
 * is done with its sends, which is always busy then and never has two messages to join in one write.
 */
static void fan_out_step(void) {
  uint64_t expected = poster_counts.sent * (uint64_t)fan_out_connections;
  if (expected - sockets_counts.messages <= (uint64_t)fan_out_connections / 2) poster_send(now_ns());
}

static void fan_out(void) {
  fan_out_connections = number("connections", NULL);
  open_sockets(0);
  open_poster();
  say("ready");
  run_window(fan_out_step, 1);
  printf(",\"missing\":%" PRIu64 "}\n", missing_deliveries(fan_out_connections));
}

static void post_step(void) {
  while (poster_send(now_ns())) continue;
}

static void post(void) {
  open_poster();
  say("ready");
  run_window(post_step, 10);
  printf("}\n");
}

static uint64_t pace_start_ns, pace_interval_ns, pace_sent;

/* An open loop: a message carries the time at which it was due, so waiting for a free connection counts. */
static void pace_step(void) {
  uint64_t now = now_ns(), due;
  while ((due = pace_start_ns + pace_sent * pace_interval_ns) <= now && poster_send(due)) pace_sent++;
}

static void on_timer(struct source *source, uint32_t events) {
  (void)events;
  uint64_t expirations;
  if (read(source->fd, &expirations, sizeof expirations) < 0 && errno != EAGAIN) die("timer");
}

static void latency(void) {
  open_sockets(1);
  open_poster();
  say("ready");
  pace_interval_ns = (uint64_t)NS_PER_S / (uint64_t)number("rate", NULL);
  static struct source timer = {.on_events = on_timer};
  timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  struct timespec interval = {.tv_sec = (time_t)(pace_interval_ns / NS_PER_S),
                              .tv_nsec = (long)(pace_interval_ns % NS_PER_S)};
  timerfd_settime(timer.fd, 0, &(struct itimerspec){interval, interval}, NULL);
  loop_add(&timer, EPOLLIN);
  pace_start_ns = now_ns();
  run_window(pace_step, 10);
  is_measuring = 1; /* Those still on their way belong to the window, however late they are. */
  uint64_t missing = missing_deliveries(number("connections", NULL));
  printf(",\"missing\":%" PRIu64 ",\"samples\":%" PRIu64 ",\"p50Us\":%ld,\"p99Us\":%ld,\"maxUs\":%ld}\n",
         missing, latencies.count, histogram_quantile(&latencies, 0.5),
         histogram_quantile(&latencies, 0.99), histogram_quantile(&latencies, 1));
}

/* Opens the connections and keeps them until the parent has looked. */
static void hold(void) {
  open_sockets(0);
  say("ready");
  for (;;) loop_turn(1000);
}

static void raise_file_limit(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*run)(void);
  } modes[] = {{"fanout", fan_out}, {"post", post}, {"latency", latency}, {"hold", hold}};
  argument_count = argc;
  arguments = argv;
  raise_file_limit();
  loop_open();
  static struct source parent = {.fd = STDIN_FILENO, .on_events = on_parent};
  loop_add(&parent, EPOLLIN);
  for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
    if (argc > 1 && strcmp(argv[1], modes[i].name) == 0) {
      modes[i].run();
      return 0;
    }
  }
  die("usage: load-client fanout|post|latency|hold name=value...");
}
