/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef PARTIAL_CSUM_H
#define PARTIAL_CSUM_H 1

/* Packets whose transport checksum is still partial.
 *
 * A Linux sender whose device promises to checksum (as veth, tap and virtio
 * do) stores in the TCP or UDP checksum field only the folded sum of the
 * pseudo-header, not complemented, and leaves the rest to the device; see
 * "Checksum offload" in the kernel's Documentation/networking.  AF_XDP hands
 * such a packet on without telling that this is so.  The stored sum gives it
 * away. */

#include <stdbool.h>
#include <stdint.h>

struct dp_packet;
struct dp_packet_batch;

/* A checksum that is to be completed by whoever sends the packet out. */
struct partial_csum {
    uint8_t proto;              /* IPPROTO_TCP or IPPROTO_UDP. */
    bool ipv6;
    uint16_t l3_ofs;            /* Network header, from the packet's start. */
    uint16_t start;             /* First byte covered, likewise. */
    uint16_t len;               /* Number of bytes covered. */
    uint16_t offset;            /* The checksum field, from 'start'. */
};

unsigned int partial_csum_rx(struct dp_packet_batch *);
bool partial_csum_rx_told(struct dp_packet *);
bool partial_csum_tx(struct dp_packet *, struct partial_csum *);
void partial_csum_complete(struct dp_packet *, const struct partial_csum *);

#endif /* partial-csum.h */
