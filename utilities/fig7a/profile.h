/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef FIG7A_PROFILE_H
#define FIG7A_PROFILE_H 1

/* What the traffic generator sends and counts: shared by generator.c and
 * by its XDP programs. */

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/types.h>
#include <linux/udp.h>

/* The profile cap2/imix_64.yaml of TRex: addresses are taken in turns, from
 * these on, and its eight templates have 200 flows each, which are repeated
 * from then on.  Each template makes 1,000 packets a second at "-m 1". */
#define FIG7A_CLIENTS 0x10000001        /* 16.0.0.1 to 16.0.0.255. */
#define FIG7A_N_CLIENTS 255
#define FIG7A_SERVERS 0x30000001        /* 48.0.0.1 to 48.0.255.255. */
#define FIG7A_N_FLOWS 1600
#define FIG7A_CLIENT_PORT 1025
#define FIG7A_SERVER_PORT 2001
#define FIG7A_PROBE_PORT 2002
#define FIG7A_RATE 8000

/* With 4 bytes of frame check sequence, these are 64. */
#define FIG7A_PACKET_SIZE 60

/* Latencies are in ns.  Each power of 2 has this number of buckets, so that
 * their error is below 2 %; all that is longer goes to the last bucket. */
#define FIG7A_SUB_BUCKETS 64
#define FIG7A_MAX_LATENCY (1ULL << 34)
#define FIG7A_N_BUCKETS (30 * FIG7A_SUB_BUCKETS)

/* The start of a packet. */
struct fig7a_packet {
    struct ethhdr eth;
    struct iphdr ip;
    struct udphdr udp;
    __u32 run;                  /* Number of the measurement. */
    __u64 when;                 /* It is a probe, sent then, in ns. */
} __attribute__((packed));

struct fig7a_sent {
    __u64 packets;
    __u64 probes;
    __u32 run;
    __u32 ip_sum, udp_sum;      /* Of what is the same in all packets. */
};

struct fig7a_received {
    __u64 packets;
    __u64 probes;
    __u64 max_latency;
    __u64 latency[FIG7A_N_BUCKETS];
};

#endif /* profile.h */
