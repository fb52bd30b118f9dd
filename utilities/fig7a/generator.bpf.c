/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "profile.h"

/* The kernel's part of fig7a-generator.c.  None of these programs needs a
 * helper that is kept for GPL-compatible ones. */

/* Only one thread runs each of the programs that send. */
struct fig7a_sent sent = { .packets = 0 };

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(struct fig7a_received));
    __uint(max_entries, 1);
} received SEC(".maps");

static __always_inline struct fig7a_packet *
get_packet(struct xdp_md *ctx)
{
    struct fig7a_packet *p = (void *) (long) ctx->data;

    return (void *) (p + 1) <= (void *) (long) ctx->data_end ? p : 0;
}

static __always_inline __u16
fold(__u32 sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return ~sum;
}

/* Makes 'p' a packet of flow number 'flow', from its template, in which the
 * checksums have the complement of the sum of all that does not change here.
 * As bytes do not matter to the sum, all is in network order. */
static __always_inline void
set_flow(struct fig7a_packet *p, __u32 flow)
{
    __u32 client = bpf_htonl(FIG7A_CLIENTS + flow % FIG7A_N_CLIENTS);
    __u32 server = bpf_htonl(FIG7A_SERVERS + flow);
    __u16 port = bpf_htons(FIG7A_CLIENT_PORT + flow / FIG7A_N_CLIENTS);
    __u32 sum = (client & 0xffff) + (client >> 16)
                + (server & 0xffff) + (server >> 16);

    p->ip.saddr = client;
    p->ip.daddr = server;
    p->ip.check = fold(sum + sent.ip_sum);
    p->udp.source = port;
    p->udp.check = fold(sum + port + sent.udp_sum);
}

/* These two are not attached but run on packets of our own: they send them out
 * of the device that they are said to have come in on. */

SEC("xdp")
int
fig7a_send(struct xdp_md *ctx)
{
    struct fig7a_packet *p = get_packet(ctx);

    if (!p) {
        return XDP_ABORTED;
    }
    set_flow(p, sent.packets++ % FIG7A_N_FLOWS);
    return XDP_TX;
}

SEC("xdp")
int
fig7a_probe(struct xdp_md *ctx)
{
    struct fig7a_packet *p = get_packet(ctx);

    if (!p) {
        return XDP_ABORTED;
    }
    set_flow(p, sent.probes++ % FIG7A_N_FLOWS);
    p->udp.dest = bpf_htons(FIG7A_PROBE_PORT);
    p->udp.check = 0;
    p->run = sent.run;
    p->when = bpf_ktime_get_ns();
    return XDP_TX;
}

/* The bucket of a histogram for 'value': powers of 2, each divided into
 * FIG7A_SUB_BUCKETS. */
static __always_inline __u32
bucket(__u64 value)
{
    __u32 shift = 0;

    if (value >= FIG7A_MAX_LATENCY) {
        return FIG7A_N_BUCKETS - 1;
    }
    for (__u32 step = 16; step; step /= 2) {
        if (value >> shift >= (__u64) 2 * FIG7A_SUB_BUCKETS << (step - 1)) {
            shift += step;
        }
    }
    return shift * FIG7A_SUB_BUCKETS + (value >> shift);
}

/* Attached to where packets come back to: counts ours. */
SEC("xdp")
int
fig7a_count(struct xdp_md *ctx)
{
    struct fig7a_packet *p = get_packet(ctx);
    struct fig7a_received *r;
    __u32 key = 0;

    if (!p || p->eth.h_proto != bpf_htons(ETH_P_IP)
        || p->ip.protocol != IPPROTO_UDP
        || (p->ip.daddr & bpf_htonl(0xffff0000))
           != bpf_htonl(FIG7A_SERVERS & 0xffff0000)) {
        return XDP_DROP;
    }
    r = bpf_map_lookup_elem(&received, &key);
    if (!r || p->run != sent.run) {
        return XDP_DROP;
    }
    if (p->udp.dest == bpf_htons(FIG7A_PROBE_PORT)) {
        __u64 latency = bpf_ktime_get_ns() - p->when;
        __u32 b = bucket(latency);

        r->probes++;
        if (latency > r->max_latency) {
            r->max_latency = latency;
        }
        if (b < FIG7A_N_BUCKETS) {
            r->latency[b]++;
        }
    } else {
        r->packets++;
    }
    return XDP_DROP;
}

char _license[] SEC("license") = "Apache-2.0";
