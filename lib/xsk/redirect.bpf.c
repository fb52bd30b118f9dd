/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
 *
 * The functions that read a packet's hash and VLAN tag are open to
 * GPL-compatible programs only, hence this file's own license. */

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

#include "rx-meta.h"

/* Hands every packet to the AF_XDP socket of the queue that it came in on.  A
 * queue without a socket is left to the kernel's own stack. */

enum xdp_rss_hash_type { XDP_RSS_TYPE_UNUSED = 0 };

/* Weak, since older kernels lack them, and libbpf looks for all that the
 * object names, even where only the program that does without is loaded. */
extern int bpf_xdp_metadata_rx_hash(const struct xdp_md *, __u32 *hash,
                                    enum xdp_rss_hash_type *) __ksym __weak;
extern int bpf_xdp_metadata_rx_vlan_tag(const struct xdp_md *, __be16 *proto,
                                        __u16 *tci) __ksym __weak;

struct {
    __uint(type, BPF_MAP_TYPE_XSKMAP);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(__u32));
    __uint(max_entries, 1);     /* Set before it is loaded. */
} xsks SEC(".maps");

/* Whether to ask for the hash.  On a software device the kernel would compute
 * it just for us, which costs more than Open vSwitch doing so. */
const volatile bool want_hash = false;

/* Marks what this program passes on, see struct xsk_rx_meta. */
const volatile __u64 meta_key = 0;

/* Packets dropped because their VLAN tag could not be passed on. */
__u64 n_lost_tags = 0;

/* Whether any packet had metadata, so that user space need not look for it in
 * vain: that would cost it a cache miss for each packet. */
bool gave_metadata = false;

SEC("xdp.frags")
int
xsk_redirect(struct xdp_md *ctx)
{
    return bpf_redirect_map(&xsks, ctx->rx_queue_index, XDP_PASS);
}

/* The same, for a program that is bound to a native device: also passes on
 * what the device keeps apart from the packet's bytes. */
SEC("xdp.frags")
int
xsk_redirect_meta(struct xdp_md *ctx)
{
    struct xsk_rx_meta m = { .key = meta_key };
    enum xdp_rss_hash_type type;

    if (bpf_xdp_metadata_rx_vlan_tag(ctx, &m.vlan_proto, &m.vlan_tci)) {
        m.vlan_proto = 0;
    }
    if (want_hash && bpf_xdp_metadata_rx_hash(ctx, &m.hash, &type)) {
        m.hash = 0;
    }

    /* Most packets have neither; those go on as they are. */
    if (m.vlan_proto || m.hash) {
        bool room = !bpf_xdp_adjust_meta(ctx, -(int) sizeof m);
        struct xsk_rx_meta *out = (void *) (long) ctx->data_meta;

        if (room && (void *) (out + 1) <= (void *) (long) ctx->data) {
            *out = m;
            if (!gave_metadata) {
                gave_metadata = true;
            }
        } else if (m.vlan_proto) {
            __sync_fetch_and_add(&n_lost_tags, 1);
            return XDP_DROP;
        }
    }
    return bpf_redirect_map(&xsks, ctx->rx_queue_index, XDP_PASS);
}

char _license[] SEC("license") = "GPL";
