/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */

#ifndef XSK_RX_META_H
#define XSK_RX_META_H 1

/* What the XDP program puts just before a packet for user space to read.
 *
 * The kernel does not say whether a frame carries it, hence the key, which
 * user space wipes as it reads, so that a later packet in the same frame
 * cannot inherit it.  Each program has a random key of its own: what is there
 * may also be a piece of another port's packet, such as a guest's, whose
 * sender would otherwise choose the VLAN of someone else's packets. */

#include <linux/types.h>

struct xsk_rx_meta {
    __u64 key;
    __u32 hash;                 /* 0: none. */
    __be16 vlan_proto;          /* 0: the packet has no tag out of band. */
    __u16 vlan_tci;             /* Host byte order. */
};

#endif /* xsk/rx-meta.h */
