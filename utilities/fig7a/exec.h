/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef FIG7A_EXEC_H
#define FIG7A_EXEC_H 1

/* Running other programs. */

#include <stdbool.h>
#include <sys/types.h>

struct svec;

/* How a program is run.  Null or zero is the default of each. */
struct fig7a_exec {
    const struct svec *prefix;  /* Goes before the command. */
    const char *input;          /* What it reads; default: nothing. */
    unsigned int timeout;       /* In seconds; default: for ever. */
};

int fig7a_exec(const struct fig7a_exec *, const struct svec *argv,
               char **outputp);
int fig7a_execl(const struct fig7a_exec *, char **outputp,
                const char *arg0, ...) __attribute__((sentinel));
char *fig7a_run(const struct fig7a_exec *, unsigned int timeout,
                char **outputp, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
char *fig7a_run_script(const struct fig7a_exec *, unsigned int timeout,
                       const char *script);
char *fig7a_shell_quote(const struct svec *argv);
char *fig7a_find_program(const char *name);
bool fig7a_interrupted(void);

#endif /* exec.h */
