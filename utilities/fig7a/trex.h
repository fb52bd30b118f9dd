/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef FIG7A_TREX_H
#define FIG7A_TREX_H 1

/* What the parts of "ovs-fig7a trex" share. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fig7a.h"
#include "openvswitch/types.h"

/* A port of TRex. */
struct trex_port {
    const char *name;           /* As it was given. */
    char pci[sizeof "ffff:ff:ff.f"];
    struct eth_addr mac;
};

/* What TRex shows of its two ports, at one moment. */
struct trex_snapshot {
    uint64_t tx_packets[2], tx_bytes[2], tx_errors[2];
    uint64_t rx_packets[2], rx_bytes[2], rx_errors[2];
    double when;                /* In seconds. */
};

/* What its latency probes said, those sent by a port. */
struct trex_latency {
    uint64_t tx, rx, errors;
    double average, max;        /* In microseconds, as is the next. */
    uint64_t jitter;
};

/* What was parsed of TRex's output. */
struct trex_results {
    struct trex_snapshot current;   /* Not complete. */
    struct trex_snapshot first, last;
    size_t n;                   /* Snapshots. */
    struct trex_latency latency[2];
    bool have_latency[2];

    /* The summary, which comes only if TRex was not stopped. */
    bool complete;
    uint64_t tx, rx, drops, sw_errors;
    double max_latency, average_latency;
    bool latency_error;
    bool have_max_latency;
};

/* In trex-config.c. */
void trex_port_init(struct trex_port *, const char *option, const char *name,
                    bool need_mac);
char *trex_make_config(const struct fig7a_topology *,
                       const struct trex_port ports[2], bool by_ip);
void trex_write_config(const char *file, const char *content, bool force);

/* In trex-output.c. */
void trex_parse_line(const char *line, struct trex_results *);
void trex_print(const struct fig7a_topology *, const struct fig7a *,
                const struct trex_results *);
void trex_print_json(const struct fig7a_topology *, const struct fig7a *,
                     const struct trex_results *);

#endif /* trex.h */
