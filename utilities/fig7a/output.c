/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* Progress, and numbers in JSON. */

#include "output.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "openvswitch/json.h"
#include "timeval.h"
#include "util.h"

/* In a file, one line of progress in so many ms. */
#define LINE_INTERVAL 20000

/* Says what is done now.  On a terminal, this replaces what the last call
 * said; elsewhere it is a line, unless there was one a short while ago. */
void
fig7a_progress(const char *format, ...)
{
    static long long int next = LLONG_MIN;
    bool terminal = isatty(STDERR_FILENO);
    va_list args;

    if (!terminal) {
        long long int now = time_msec();

        if (now < next) {
            return;
        }
        next = now + LINE_INTERVAL;
    }
    fputs(terminal ? "\r\033[K" : "", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputs(terminal ? "" : "\n", stderr);
    fflush(stderr);
}

/* Makes room on a terminal for other output. */
void
fig7a_end_progress(void)
{
    if (isatty(STDERR_FILENO)) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
}

/* Writes 'json' to 'stream', and frees it.  Returns 0 or a positive errno
 * value. */
int
fig7a_put_json(struct json *json, FILE *stream)
{
    char *text = json_to_string(json, JSSF_PRETTY | JSSF_SORT);
    int error = fprintf(stream, "%s\n", text) < 0 ? errno : 0;

    free(text);
    json_destroy(json);
    return error;
}
