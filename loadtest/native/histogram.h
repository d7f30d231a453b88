/* Exact quantiles of durations up to a second, in microseconds. */
#pragma once

#include <stdint.h>

enum { HISTOGRAM_MAX_US = 1000000 };

struct histogram {
  uint64_t count;
  /* The last one counts all that took a second or more. */
  uint32_t buckets[HISTOGRAM_MAX_US + 1];
};

static inline void histogram_add(struct histogram *histogram, uint64_t duration_ns) {
  uint64_t us = duration_ns / 1000;
  histogram->buckets[us < HISTOGRAM_MAX_US ? us : HISTOGRAM_MAX_US]++;
  histogram->count++;
}

/* Smallest duration in us that at least `share` of all stay within; -1 if there are none. */
static inline long histogram_quantile(const struct histogram *histogram, double share) {
  uint64_t seen = 0;
  for (long us = 0; us <= HISTOGRAM_MAX_US; us++) {
    seen += histogram->buckets[us];
    if (seen > 0 && (double)seen >= share * (double)histogram->count) return us;
  }
  return -1;
}
