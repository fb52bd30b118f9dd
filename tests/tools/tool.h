/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef TESTS_TOOL_H
#define TESTS_TOOL_H 1

/* What the programs of tests and benchmarks share.  They do not use Open
 * vSwitch's library: some run in guests, and none should depend on what is
 * tested. */

void fatal(int error, const char *format, ...)
    __attribute__((noreturn, format(printf, 2, 3)));
long long int now_ms(void);
int ms_left(long long int deadline);

#endif /* tool.h */
