/* What must not happen, counted by kind with the first few texts: a load that is ended by the first fault
   could not say how many there are. */
#pragma once

#include <stdio.h>

/* `kind` is a literal. */
__attribute__((format(printf, 2, 3))) void fault(const char *kind, const char *format, ...);

/* A JSON object: kind -> {"count", "texts"}. */
void print_faults(FILE *file);
