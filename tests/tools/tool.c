/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* What the programs of tests and benchmarks share. */

#include "tool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Ends the program with exit status 1 and a message: the program's name, what
 * 'format' says, and the name of 'error', an errno value, unless that is 0. */
void
fatal(int error, const char *format, ...)
{
    va_list args;

    fflush(stdout);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    if (error) {
        fprintf(stderr, ": %s", strerror(error));
    }
    fputc('\n', stderr);
    exit(EXIT_FAILURE);
}

/* A time in ms, from an arbitrary start. */
long long int
now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Milliseconds until 'deadline', which is a time of now_ms(); 0 if it has
 * passed. */
int
ms_left(long long int deadline)
{
    long long int left = deadline - now_ms();

    return left > 0 ? left : 0;
}
