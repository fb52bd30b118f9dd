/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef FIG7A_TRAFFIC_H
#define FIG7A_TRAFFIC_H 1

/* What the parts of "ovs-fig7a traffic" share. */

#include <stdbool.h>
#include <sys/types.h>

#include "fig7a.h"
#include "generator.h"
#include "host.h"
#include "simap.h"
#include "svec.h"

#define FIG7A_TRAFFIC_HOST "host"
#define FIG7A_TRAFFIC_TAP "fig7a-tap"

/* A topology with the traffic that goes through it. */
struct fig7a_traffic {
    const struct fig7a *f;
    const struct fig7a_topology *t;
    bool in_tree;
    struct fig7a_host host;
    unsigned int pmd_cpu, vm_cpu;
    bool shared_cpus;           /* They are not three. */
    pid_t vm;                   /* 0 if there is none. */
    int vm_input;               /* The other end of its standard input. */
    struct fig7a_generator generator;
    struct simap drops;         /* Of all measurements. */
    struct fig7a_sample *samples; /* f->repeat of them. */
};

const char *fig7a_traffic_type(const struct fig7a_traffic *);
void fig7a_traffic_check(const struct fig7a_traffic *, char *error);
void fig7a_traffic_check_interrupted(void);

/* In traffic-vm.c. */
void fig7a_traffic_get_testpmd(const struct fig7a_traffic *, struct svec *);
void fig7a_traffic_start_testpmd(struct fig7a_traffic *);
void fig7a_traffic_start_tap(struct fig7a_traffic *);
void fig7a_traffic_stop_vm(struct fig7a_traffic *);

/* In traffic-report.c. */
void fig7a_traffic_print(const struct fig7a_traffic[], size_t n);
void fig7a_traffic_print_json(const struct fig7a_traffic[], size_t n);

#endif /* traffic.h */
