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
#include <sys/timerfd.h>
#include <unistd.h>

#include "histogram.h"
#include "lines.h"
#include "loop.h"
#include "poster.h"
#include "sockets.h"

enum { SETTLE_MS = 20000 };

static int argument_count;
static char **arguments;
static struct histogram latencies;
static struct histogram answer_times;
static bool is_measuring;
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

static void say(const char *event) {
  printf("{\"event\":\"%s\"}\n", event);
  fflush(stdout);
}

static void on_timed_message(struct span payload) {
  static const char marker[] = "\"sentNs\":\"";
  if (!is_measuring) return;
  const char *found = memmem(payload.bytes, payload.length, marker, sizeof marker - 1);
  if (found == NULL) die("a message without sentNs: %.*s", (int)payload.length, payload.bytes);
  uint64_t sent_ns = strtoull(found + sizeof marker - 1, NULL, 10);
  /* What was sent before the window is not part of it. */
  if (sent_ns >= window_opened_ns) histogram_add(&latencies, now_ns() - sent_ns);
}

static void on_answer(uint64_t took_ns) {
  if (is_measuring) histogram_add(&answer_times, took_ns);
}

static void open_sockets(struct sockets_options options) {
  double cpu = cpu_seconds();
  options.port = number("ws-port", NULL);
  const char *ports = option("ws-ports", "");
  if (ports[0] != '\0') options.ports = read_lines(ports);
  options.connections = number("connections", NULL);
  /* Below a listener's accept queue (512 in uWS), so that no SYN is dropped and sent again after 1 s. */
  options.opening_max = number("opening", "200");
  options.lines = read_lines(option("sockets", NULL));
  options.marker = option("marker", NULL);
  uint64_t took_ns = sockets_open(&options);
  printf("{\"event\":\"opened\",\"seconds\":%.6f,\"cpuSeconds\":%.6f}\n", (double)took_ns / NS_PER_S,
         cpu_seconds() - cpu);
  fflush(stdout);
  /* Some servers subscribe a socket only after it has been told that it is open. */
  uint64_t settled = now_ns() + (uint64_t)number("settle-ms", "0") * NS_PER_MS;
  while (now_ns() < settled) loop_turn(10);
}

static void open_poster(void) {
  const char *item = option("item", "");
  poster_open(&(struct poster_options){
      .port = number("post-port", NULL),
      .connections = number("posters", "64"),
      .bearer = option("bearer", NULL),
      .lines = read_lines(option("requests", NULL)),
      .item = item[0] == '\0' ? NULL : item,
      .items = (size_t)number("items", "1"),
      .on_answer = on_answer,
  });
}

static struct sockets_counts counts_before;
static struct poster_counts posts_before;
static uint64_t talk_answers, talk_answers_before;

static void open_window(void) {
  counts_before = sockets_counts;
  posts_before = poster_counts;
  talk_answers_before = talk_answers;
  window_opened_cpu = cpu_seconds();
  window_opened_ns = now_ns();
  is_measuring = true;
  say("measuring");
}

static void print_quantiles(const char *name, const struct histogram *histogram) {
  printf(",\"%s\":{\"samples\":%" PRIu64 ",\"p50Us\":%ld,\"p99Us\":%ld,\"p999Us\":%ld,\"maxUs\":%ld}", name,
         histogram->count, histogram_quantile(histogram, 0.5), histogram_quantile(histogram, 0.99),
         histogram_quantile(histogram, 0.999), histogram_quantile(histogram, 1));
}

/* Prints the window without its end, so that a mode can add what only it knows. */
static void close_window(void) {
  double seconds = (double)(now_ns() - window_opened_ns) / NS_PER_S;
  double cpu = cpu_seconds() - window_opened_cpu;
  is_measuring = false;
  say("closed");
  printf("{\"event\":\"measured\",\"seconds\":%.6f,\"cpuSeconds\":%.6f,\"posts\":%" PRIu64
         ",\"deliveries\":%" PRIu64 ",\"deliveryBytes\":%" PRIu64 ",\"reads\":%" PRIu64,
         seconds, cpu, poster_counts.answered - posts_before.answered,
         sockets_counts.messages - counts_before.messages,
         sockets_counts.message_bytes - counts_before.message_bytes,
         sockets_counts.reads - counts_before.reads);
  print_quantiles("answers", &answer_times);
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

/* Sockets that each request reaches, and deliveries that may be missing when the next one goes out. */
static uint64_t copies, ahead;

/* Every message must have reached every socket; how many did not. */
static void print_missing(void) {
  /* A server that cannot keep the pace of an open loop still owes what came in the window. */
  uint64_t owed_ms = 4 * (uint64_t)number("measure-ms", NULL);
  uint64_t end = now_ns() + (SETTLE_MS + owed_ms) * NS_PER_MS;
  uint64_t expected = poster_counts.sent * copies;
  while (sockets_counts.messages < expected && now_ns() < end) loop_turn(10);
  if (sockets_counts.messages > expected) die("more messages arrived than were sent");
  printf(",\"missing\":%" PRIu64, expected - sockets_counts.messages);
}

static void read_flow_options(void) {
  copies = (uint64_t)number("copies", option("connections", NULL));
  /*
   * With half a message on its way the next one waits at the server when it is done with its sends: it is
   * always busy then and never has two messages to join in one write.
   */
  const char *given = option("ahead", "");
  ahead = given[0] == '\0' ? copies / 2 : strtoull(given, NULL, 10);
}

static void flow_step(void) {
  while (poster_counts.sent * copies - sockets_counts.messages <= ahead && poster_send(now_ns())) continue;
}

/* A closed loop of messages to sockets. */
static void fan_out(void) {
  open_sockets((struct sockets_options){0});
  open_poster();
  read_flow_options();
  say("ready");
  run_window(flow_step, 1);
  print_missing();
  printf("}\n");
}

static void post_step(void) {
  while (poster_send(now_ns())) continue;
}

/* A closed loop of requests. */
static void post(void) {
  open_poster();
  say("ready");
  run_window(post_step, 10);
  printf("}\n");
}

static uint64_t pace_start_ns, pace_interval_ns, pace_sent;

/* A message carries the time at which it was due, so waiting for a free connection counts. */
static void pace_step(void) {
  uint64_t now = now_ns(), due;
  while ((due = pace_start_ns + pace_sent * pace_interval_ns) <= now && poster_send(due)) pace_sent++;
}

static void on_timer(struct source *source, uint32_t events) {
  (void)events;
  uint64_t expirations;
  if (read(source->fd, &expirations, sizeof expirations) < 0 && errno != EAGAIN) die("timer");
}

static void start_pace(void) {
  pace_interval_ns = (uint64_t)NS_PER_S / (uint64_t)number("rate", NULL);
  static struct source timer = {.on_events = on_timer};
  timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  struct timespec interval = {.tv_sec = (time_t)(pace_interval_ns / NS_PER_S),
                              .tv_nsec = (long)(pace_interval_ns % NS_PER_S)};
  timerfd_settime(timer.fd, 0, &(struct itimerspec){interval, interval}, NULL);
  loop_add(&timer, EPOLLIN);
  pace_start_ns = now_ns();
}

/* An open loop of messages to sockets. */
static void latency(void) {
  open_sockets((struct sockets_options){.on_message = on_timed_message});
  open_poster();
  read_flow_options();
  say("ready");
  start_pace();
  run_window(pace_step, 10);
  is_measuring = true; /* Those still on their way belong to the window, however late they are. */
  print_missing();
  print_quantiles("receipts", &latencies);
  printf("}\n");
}

static struct lines talk_lines;
static size_t *talk_next;
static uint64_t *talk_sent_ns;
static bool is_talk_over;

static void talk_on(size_t connection) {
  talk_sent_ns[connection] = now_ns();
  sockets_say(connection, talk_lines.items[talk_next[connection]++ % talk_lines.count]);
}

static void on_talk_answer(size_t connection, struct span payload) {
  /* What other members are told comes in between. */
  if (memmem(payload.bytes, payload.length, "\"ref\":", 6) == NULL) return;
  talk_answers++;
  on_answer(now_ns() - talk_sent_ns[connection]);
  if (!is_talk_over) talk_on(connection);
}

static void no_step(void) {}

/* A closed loop of frames on each socket: the next one when the last one is answered. */
static void talk(void) {
  size_t connections = (size_t)number("connections", NULL);
  talk_lines = read_lines(option("frames", NULL));
  talk_next = take_memory(connections, sizeof *talk_next);
  talk_sent_ns = take_memory(connections, sizeof *talk_sent_ns);
  open_sockets((struct sockets_options){.on_answer = on_talk_answer});
  say("ready");
  /* Each begins further down, so that all do not say the same at once. */
  size_t stride = (size_t)number("stride", "0");
  for (size_t i = 0; i < connections; i++) talk_next[i] = i * stride;
  for (size_t i = 0; i < connections; i++) talk_on(i);
  run_window(no_step, 10);
  printf(",\"answered\":%" PRIu64 "}\n", talk_answers - talk_answers_before);
  is_talk_over = true;
}

static void ignore_answer(size_t connection, struct span payload) {
  (void)connection;
  (void)payload;
}

/* Each connection says the same once in the interval, one after the other and not all at once. */
static void say_in_turn(const char *text, uint64_t interval_ns) {
  uint64_t connections = (uint64_t)number("connections", NULL), start = now_ns();
  for (uint64_t said = 0;;) {
    uint64_t due = (now_ns() - start) / (interval_ns / connections);
    for (; said < due; said++) sockets_say((size_t)(said % connections), text);
    loop_turn(10);
  }
}

/* Opens the connections and keeps them until the parent has looked. */
static void hold(void) {
  const char *text = option("say", "");
  open_sockets((struct sockets_options){.on_answer = text[0] == '\0' ? NULL : ignore_answer});
  say("ready");
  if (text[0] != '\0') say_in_turn(text, (uint64_t)number("say-every-ms", NULL) * NS_PER_MS);
  for (;;) loop_turn(1000);
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*run)(void);
  } modes[] = {{"fanout", fan_out}, {"post", post}, {"latency", latency}, {"talk", talk}, {"hold", hold}};
  argument_count = argc;
  arguments = argv;
  raise_file_limit();
  loop_open();
  loop_watch_parent();
  for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
    if (argc > 1 && strcmp(argv[1], modes[i].name) == 0) {
      modes[i].run();
      return 0;
    }
  }
  die("usage: load-client fanout|post|latency|talk|hold name=value...");
}
