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

bool partial_csum_rx(struct dp_packet *);
bool partial_csum_tx(struct dp_packet *, uint16_t *start, uint16_t *offset);

#endif /* partial-csum.h */
