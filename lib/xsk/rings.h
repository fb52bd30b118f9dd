/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef XSK_RINGS_H
#define XSK_RINGS_H 1

/* What only the files of an AF_XDP socket know of its rings. */

#include <stdint.h>

#include "netdev.h"
#include "ovs-atomic.h"
#include "ovs-compat.h"
#include "util.h"
#include "xsk/socket.h"

/* Bytes before a packet that tell the kernel how to send it. */
#define TX_METADATA_LEN sizeof(struct compat_xsk_tx_metadata)
BUILD_ASSERT_DECL(sizeof(struct compat_xsk_tx_metadata) == 24);

/* Packets that one system call sends, if the kernel lets us choose, and that
 * may wait for it together.  The kernel's cost for each falls with their
 * number; to wait for more would not gain much. */
#define TX_BUDGET 256

/* Receiving: the polling thread, or who opens the socket. */
void xsk_refill(struct xsk *);

/* Sending. */
void xsk_reap_completions(struct xsk *xsk) OVS_REQUIRES(xsk->tx_lock);

/* Adds 'n' to a counter that only the caller may change now. */
static inline void
xsk_count(struct xsk *xsk, enum xsk_counter counter, uint64_t n)
{
    uint64_t old;

    atomic_read_relaxed(&xsk->counters[counter], &old);
    atomic_store_relaxed(&xsk->counters[counter], old + n);
}

/* Takes up to a burst of elements from 'ring', from '*idx' on, but none beyond
 * the end of its memory, so that they can be gone through as an array.
 * Returns their number. */
static inline uint32_t
xsk_ring_peek(struct xsk_ring_cons *ring, uint32_t *idx)
{
    uint32_t n = xsk_ring_cons__peek(ring, NETDEV_MAX_BURST, idx);

    if (n) {
        uint32_t straight = MIN(n, ring->size - (*idx & ring->mask));

        xsk_ring_cons__cancel(ring, n - straight);
        n = straight;
    }
    return n;
}

/* Notes 'n' bytes of packets that were counted as sent, but then were not.
 * Under 'tx_lock'. */
static inline void
xsk_count_unsent_bytes(struct xsk *xsk, uint64_t n)
{
    uint64_t old;

    atomic_read_relaxed(&xsk->tx_unsent_bytes, &old);
    atomic_store_relaxed(&xsk->tx_unsent_bytes, old + n);
}

#endif /* xsk/rings.h */
