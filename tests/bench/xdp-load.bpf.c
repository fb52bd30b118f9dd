/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* The kernel's part of xdp-load.  Neither program needs a helper that is kept
 * for GPL-compatible ones. */

/* Packets that xdp_load_sink dropped, by CPU. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(__u64));
    __uint(max_entries, 1);
} n_packets SEC(".maps");

/* Not attached but run on packets of our own: sends them out of the device
 * that they are said to have come in on. */
SEC("xdp")
int
xdp_load_send(struct xdp_md *ctx)
{
    return XDP_TX;
}

SEC("xdp")
int
xdp_load_sink(struct xdp_md *ctx)
{
    __u32 key = 0;
    __u64 *n = bpf_map_lookup_elem(&n_packets, &key);

    if (n) {
        (*n)++;
    }
    return XDP_DROP;
}

char _license[] SEC("license") = "Apache-2.0";
