/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef FIG7A_OUTPUT_H
#define FIG7A_OUTPUT_H 1

/* What is written: progress, to standard error, and JSON. */

#include <stdio.h>

struct json;

void fig7a_progress(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
void fig7a_end_progress(void);
int fig7a_put_json(struct json *, FILE *);

#endif /* output.h */
