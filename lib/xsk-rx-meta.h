/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */

#ifndef XSK_RX_META_H
#define XSK_RX_META_H 1

/* What the XDP program puts just before a packet for user space to read.
 *
 * The kernel does not say whether a frame carries it, hence the magic number,
 * which user space wipes as it reads, so that a later packet in the same frame
 * cannot inherit it. */

#include <linux/types.h>

#define XSK_RX_META_MAGIC 0x4f565358

struct xsk_rx_meta {
    __u32 magic;
    __u32 hash;
    __be16 vlan_proto;          /* 0: the packet has no tag out of band. */
    __u16 vlan_tci;             /* Host byte order. */
    __u32 has_hash;
};

#endif /* xsk-rx-meta.h */
