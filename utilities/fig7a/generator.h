/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef FIG7A_GENERATOR_H
#define FIG7A_GENERATOR_H 1

/* A traffic generator: the kernel runs an XDP program on packets of ours
 * (BPF_PROG_TEST_RUN, with live frames), which sends them out of one device,
 * and another program counts them where they come back.  Neither needs the
 * network stack.  What is sent is in fig7a-profile.h. */

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

#include "profile.h"

struct fig7a_generator {
    struct fig7a_generator_bpf *skel;
    uint8_t packet[FIG7A_PACKET_SIZE];
    struct xdp_md send_ctx;     /* For the programs that send. */
    unsigned int cpu;           /* On which to send. */
    double rate;                /* Packets per second. */
    unsigned int probes;        /* Latency probes per second. */
    uint32_t run;               /* Number of the last measurement. */
};

/* What one measurement gave. */
struct fig7a_sample {
    double seconds;             /* Of sending. */
    uint64_t sent, received;
    uint64_t probes_sent, probes_received;
    double percentiles[5];      /* Latency in us: 50, 90, 99, 99.9 percent, and
                                 * the maximum; NaN if no probe came back. */
};

char *fig7a_generator_init(struct fig7a_generator *, const char *out,
                           const char *in, const char *spare);
void fig7a_generator_destroy(struct fig7a_generator *);
char *fig7a_generator_measure(struct fig7a_generator *, double seconds,
                              struct fig7a_sample *);

#endif /* generator.h */
