/*
 * Thousands of clients of one edge in a small process, each of which checks what it gets.
 *
 *   crowd wire=ws|sse|poll|bare from=<address> first=<number> count=<clients> channels=<name>,... tokens=<file>
 *
 * A client's number is `first` and its index; its token is the line of that index, its channel the one that
 * comes in turn. Source addresses are `from` and the seven after it. Commands come as lines on standard
 * input, and with its end the process ends:
 *
 *   open <port> <upto> <max>   connect those below `upto`, at most `max` at a time
 *   drop <count> <seed>        end so many connections, chosen at random
 *   letgo                      from now on connections may end
 *   return <port> <max>        connect all again that are not there, from where they were
 *   elsewhere <port> <max>     where those go whose edge says goodbye
 *   watch                      forget the times of the first and the last message
 *   status <number>            print a line of JSON; `through`: how many have seen that number
 *
 * A message to all is `{"n":1}`, `{"n":2}`, ... in each channel; one to client 7 is `{"to":7,"p":1,
 * "sentNs":"..."}`, p counted from 1 for each client.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults.h"
#include "loop.h"
#include "visitor.h"

static const char *option(int argc, char **argv, const char *name) {
  size_t length = strlen(name);
  for (int i = 1; i < argc; i++) {
    if (strncmp(argv[i], name, length) == 0 && argv[i][length] == '=') return argv[i] + length + 1;
  }
  die("%s= is missing", name);
}

static enum visitor_wire wire_of(const char *name) {
  static const char *const names[] = {"ws", "sse", "poll", "bare"};
  for (int i = 0; i < 4; i++) {
    if (strcmp(names[i], name) == 0) return (enum visitor_wire)i;
  }
  die("not a wire: %s", name);
}

static void read_channels(struct visitor_options *options, const char *given) {
  char *names = strdup(given);
  options->channels = take_memory(strlen(given) + 1, sizeof *options->channels);
  for (char *name = strtok(names, ","); name != NULL; name = strtok(NULL, ",")) {
    options->channels[options->channel_count++] = name;
  }
  if (options->channel_count == 0) die("channels= is empty");
}

/* Mapped, so that the kernel may drop what is not in use. */
static void map_tokens(struct visitor_options *options, const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat info;
  if (fd < 0 || fstat(fd, &info) < 0) die("%s: %s", path, strerror(errno));
  const char *text = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (text == MAP_FAILED) die("%s: %s", path, strerror(errno));
  close(fd);
  const char *end = memchr(text, '\n', (size_t)info.st_size);
  options->tokens = text;
  options->token_bytes = end == NULL ? 0 : (size_t)(end - text);
  if ((options->token_bytes + 1) * options->count != (size_t)info.st_size) {
    die("%s does not hold %u tokens of one length", path, options->count);
  }
}

static void print_private_times(void) {
  fputs(",\"privateUs\":[", stdout);
  for (size_t i = 0; i < private_time_count; i++) printf("%s%u", i == 0 ? "" : ",", private_times[i]);
  putchar(']');
  private_time_count = 0;
}

static void print_status(uint32_t number) {
  uint32_t failed = 0, through = 0;
  for (uint32_t i = 0; i < visitor_options.count; i++) {
    if (visitors[i].state == FAILED) failed++;
    if (visitors[i].state == READY && visitors[i].number >= number) through++;
  }
  const struct visitor_counts *counts = &visitor_counts;
  printf("{\"ready\":%u,\"opening\":%u,\"failed\":%u,\"through\":%u,\"messages\":%" PRIu64
         ",\"privates\":%" PRIu64 ",\"resumed\":%" PRIu64 ",\"moved\":%" PRIu64 ",\"cut\":%" PRIu64
         ",\"ended\":%" PRIu64 ",\"pings\":%" PRIu64,
         counts->ready, counts->opening, failed, through, counts->messages, counts->privates, counts->resumed,
         counts->moved, counts->cut, counts->ended, counts->pings);
  printf(",\"readyUs\":%" PRIu64 ",\"firstMessageUs\":%" PRIu64 ",\"lastMessageUs\":%" PRIu64
         ",\"cpuSeconds\":%.3f",
         counts->ready_ns / 1000, counts->first_message_ns / 1000, counts->last_message_ns / 1000,
         cpu_seconds());
  print_private_times();
  fputs(",\"faults\":", stdout);
  print_faults(stdout);
  puts("}");
  fflush(stdout);
}

static void obey(const char *command) {
  unsigned long a = 0, b = 0, c = 0;
  if (sscanf(command, "open %lu %lu %lu", &a, &b, &c) == 3) visitors_open((int)a, (uint32_t)b, (uint32_t)c);
  else if (sscanf(command, "drop %lu %lu", &a, &b) == 2) visitors_drop((uint32_t)a, b);
  else if (sscanf(command, "return %lu %lu", &a, &b) == 2) visitors_return((int)a, (uint32_t)b);
  else if (sscanf(command, "elsewhere %lu %lu", &a, &b) == 2) visitors_move_to((int)a, (uint32_t)b);
  else if (sscanf(command, "status %lu", &a) == 1) print_status((uint32_t)a);
  else if (strcmp(command, "letgo") == 0) visitors_let_go(true);
  else if (strcmp(command, "watch") == 0)
    visitor_counts.first_message_ns = visitor_counts.last_message_ns = visitor_counts.ready_ns = 0;
  else die("not a command: %s", command);
}

static void on_input(struct source *source, uint32_t events) {
  static char text[4096];
  static size_t length;
  (void)events;
  ssize_t count = read(source->fd, text + length, sizeof text - length - 1);
  if (count <= 0) exit(0);
  length += (size_t)count;
  text[length] = '\0';
  char *line = text;
  for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
    *end = '\0';
    obey(line);
  }
  length -= (size_t)(line - text);
  if (length == sizeof text - 1) die("a command is too long");
  memmove(text, line, length);
}

int main(int argc, char **argv) {
  static struct source input = {.fd = STDIN_FILENO, .on_events = on_input};
  struct visitor_options options = {
      .wire = wire_of(option(argc, argv, "wire")),
      .from = ntohl(inet_addr(option(argc, argv, "from"))),
      .first = (uint32_t)strtoul(option(argc, argv, "first"), NULL, 10),
      .count = (uint32_t)strtoul(option(argc, argv, "count"), NULL, 10),
  };
  if (options.count == 0 || options.from == INADDR_NONE) die("count= or from= is no good");
  read_channels(&options, option(argc, argv, "channels"));
  map_tokens(&options, option(argc, argv, "tokens"));
  raise_file_limit();
  /* Whoever ends a whole group of processes means the parent, which has to look at this one before. */
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  loop_open();
  visitors_start(&options);
  loop_add(&input, EPOLLIN);
  for (;;) loop_turn(visitors_step());
}
