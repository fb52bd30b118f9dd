/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef FIG7A_HOST_H
#define FIG7A_HOST_H 1

/* Hosts of an experiment on one machine: network namespaces, each with an
 * ovsdb-server and an ovs-vswitchd of its own. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "exec.h"
#include "simap.h"
#include "svec.h"

/* What a host has used. */
struct fig7a_cpu {
    double pmd;                 /* Seconds of its threads that poll. */
    double all;                 /* Seconds of all of ovs-vswitchd. */
};

struct fig7a_host {
    char *name;                 /* Of the namespace, too. */
    char *dir;                  /* Its database, sockets and logs. */
    struct svec prefix;         /* To run a program there. */
    struct fig7a_exec exec;     /* The same, for fig7a_exec(). */
};

char *fig7a_find_vswitchd(void);
void fig7a_enter_sandbox(void);
const char *fig7a_sandbox_dir(void);
char *fig7a_host_start(struct fig7a_host *, const char *name, bool tso,
                       bool dpdk, unsigned int cpu);
char *fig7a_host_wake(const struct fig7a_host *);
void fig7a_host_rest(const struct fig7a_host *);
void fig7a_host_stop(struct fig7a_host *);
char *fig7a_host_vsctl(const struct fig7a_host *, char **outputp,
                       const char *arg, ...) __attribute__((sentinel));
void fig7a_host_get_cpu(const struct fig7a_host *, struct fig7a_cpu *);
void fig7a_host_get_counters(const struct fig7a_host *, struct simap *);
char *fig7a_host_get_log(const struct fig7a_host *);

#endif /* host.h */
