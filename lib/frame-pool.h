/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef FRAME_POOL_H
#define FRAME_POOL_H 1

/* Packet memory that our ports share.
 *
 * A pool is one region of fixed-size frames.  Each frame belongs for ever to
 * one struct dp_packet (a DPDK mbuf with an external buffer), so an address in
 * the region names a packet and the other way round.  Every AF_XDP socket
 * registers the whole region as a UMEM of its own: a packet received on one
 * socket is sent on another by its address, without a copy.
 *
 * A frame is at any time in one of three places: free in the pool's mempool,
 * in the hands of Open vSwitch as a packet, or in the rings of one socket.
 * 'owners' records the last, so that a closed socket's frames can be had back
 * and an address that the kernel should not have sent us is recognised.
 *
 * A region cannot grow once sockets have registered it.  A port that does not
 * fit in any pool gets a new one, twice as large as the last; packets between
 * ports of different pools are copied, once.  The ports in service stay where
 * they are: to open a socket anew takes a quarter of a second, in which its
 * packets are lost.  A pool goes when it has no user and its frames are
 * back. */

#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_version.h>
#include <stdbool.h>
#include <stdint.h>

#include "dp-packet.h"
#include "openvswitch/list.h"
#include "packets.h"

/* A frame and its parts, in bytes.  The kernel keeps XDP_PACKET_HEADROOM (256)
 * for itself in front of a received packet; we ask for some more, so that the
 * largest Geneve header over IPv6 fits: Open vSwitch cannot move a packet in
 * DPDK's memory. */
#define FRAME_SIZE 2048
#define FRAME_KERNEL_HEADROOM 256
#define FRAME_EXTRA_HEADROOM 128
#define FRAME_HEADROOM (FRAME_KERNEL_HEADROOM + FRAME_EXTRA_HEADROOM)
#define FRAME_DATA_ROOM (FRAME_SIZE - FRAME_HEADROOM)

/* The size of an Ethernet header with two VLAN tags, which the MTU does not
 * count. */
#define L2_OVERHEAD (ETH_HEADER_LEN + 2 * VLAN_HEADER_LEN)

struct frame_pool {
    struct ovs_list list_node;      /* In 'pools'. */
    struct rte_mempool *mp;
    struct rte_mempool *limited_mp; /* See frame_pool_set_limit(). */
    const struct rte_memzone *mz;   /* The frames. */
    char *base;                     /* First byte of the frames. */
    size_t size;                    /* Bytes of all frames. */
    uint32_t n_frames;
    struct dp_packet **packets;     /* Frame number to packet. */
    uint16_t *owners;               /* Frame number to socket, or 0. */

    /* Protected by the mutex in frame-pool.c. */
    int numa_id;                    /* -1 if unknown, and then for all. */
    uint32_t n_reserved;            /* Frames promised to users. */
    unsigned int n_users;
};

void frame_pool_init(void);

int frame_pool_acquire(int numa_id, uint32_t n_frames, struct frame_pool **,
                       char **errp);
void frame_pool_release(struct frame_pool *, uint32_t n_frames);
void frame_pool_reclaim(struct frame_pool *, uint16_t owner);
void frame_pool_set_limit(unsigned int n);
bool frame_pool_ran_out(void);

/* Takes 'n' free packets, or none at all.  Any thread.  Returns false when the
 * pool has not so many. */
static inline bool
frame_pool_get(struct frame_pool *pool, struct dp_packet **packets, unsigned n)
{
    return !rte_mempool_get_bulk(pool->mp, (void **) packets, n);
}

/* Gives 'n' packets back.  Any thread. */
static inline void
frame_pool_put(struct frame_pool *pool, struct dp_packet **packets, unsigned n)
{
    rte_mempool_put_bulk(pool->mp, (void **) packets, n);
}

/* DPDK keeps some of a pool's free packets apart for each thread, in an array
 * that the functions that follow read and write directly: that spares a copy
 * of the packets' addresses.  How it is kept is known of the releases of DPDK
 * that were looked up, 22.11 to 24.11, and is no part of its interface.  With
 * another release, or if FRAME_POOL_NO_CACHE is defined, they use functions
 * that are. */
#if (!defined FRAME_POOL_NO_CACHE                           \
     && RTE_VERSION >= RTE_VERSION_NUM(22, 11, 0, 0)        \
     && RTE_VERSION < RTE_VERSION_NUM(24, 12, 0, 0))
BUILD_ASSERT_DECL(sizeof(((struct rte_mempool_cache *) NULL)->objs)
                  >= RTE_MEMPOOL_CACHE_MAX_SIZE * 2 * sizeof(void *));
BUILD_ASSERT_DECL(sizeof(((struct rte_mempool_cache *) NULL)->objs[0])
                  == sizeof(struct dp_packet *));

/* The part that is the calling thread's; null for one that DPDK does not
 * know. */
static inline struct rte_mempool_cache *
frame_pool_cache(const struct frame_pool *pool)
{
    return rte_mempool_default_cache(pool->mp, rte_lcore_id());
}

/* Takes 'n' free packets, or none at all, as frame_pool_get() does.  Returns
 * where they are, 'buffer' or elsewhere, valid until the thread takes or gives
 * back others; null when the pool has not so many. */
static inline struct dp_packet **
frame_pool_get_in_place(struct frame_pool *pool, struct dp_packet **buffer,
                        unsigned n)
{
    struct rte_mempool_cache *cache = frame_pool_cache(pool);

    if (OVS_LIKELY(cache && cache->len >= n)) {
        cache->len -= n;
        return (struct dp_packet **) &cache->objs[cache->len];
    }
    return frame_pool_get(pool, buffer, n) ? buffer : NULL;
}

/* Returns where to store up to 'n' packets that the thread gives back with its
 * next call, frame_pool_put_in_place(): 'buffer', with room for as many, or
 * elsewhere. */
static inline struct dp_packet **
frame_pool_put_place(struct frame_pool *pool, struct dp_packet **buffer,
                     unsigned n)
{
    struct rte_mempool_cache *cache = frame_pool_cache(pool);

    return (OVS_LIKELY(cache && cache->len + n <= cache->flushthresh)
            ? (struct dp_packet **) &cache->objs[cache->len] : buffer);
}

/* Gives back the 'n' packets that were stored at 'packets', the place that
 * frame_pool_put_place() returned for 'buffer'. */
static inline void
frame_pool_put_in_place(struct frame_pool *pool, struct dp_packet **packets,
                        struct dp_packet **buffer, unsigned n)
{
    if (OVS_LIKELY(packets != buffer)) {
        frame_pool_cache(pool)->len += n;
    } else {
        frame_pool_put(pool, packets, n);
    }
}

#else /* No knowledge of the inside of DPDK. */
static inline struct dp_packet **
frame_pool_get_in_place(struct frame_pool *pool, struct dp_packet **buffer,
                        unsigned n)
{
    return frame_pool_get(pool, buffer, n) ? buffer : NULL;
}

static inline struct dp_packet **
frame_pool_put_place(struct frame_pool *pool OVS_UNUSED,
                     struct dp_packet **buffer, unsigned n OVS_UNUSED)
{
    return buffer;
}

static inline void
frame_pool_put_in_place(struct frame_pool *pool, struct dp_packet **packets,
                        struct dp_packet **buffer OVS_UNUSED, unsigned n)
{
    frame_pool_put(pool, packets, n);
}
#endif

/* The socket in whose rings frame 'index' is, 0 if it is in none.  'owners' is
 * that of the pool, which a loop may so keep in a register.  Any thread, but
 * it may have changed by the time it is looked at. */
static inline uint16_t
frame_pool_owner(const uint16_t *owners, uint64_t index)
{
    return __atomic_load_n(&owners[index], __ATOMIC_RELAXED);
}

/* True if frame 'index' is in the rings of socket 'owner', for who has the
 * socket: as long as it has the frame, nobody else changes the mark. */
static inline bool
frame_pool_is_owner(const uint16_t *owners, uint64_t index, uint16_t owner)
{
    return owners[index] == owner;
}

/* Notes in 'owners' that frame 'index', which the caller has in its hands or
 * its rings, is in the rings of socket 'owner', or in none if that is 0. */
static inline void
frame_pool_set_owner(uint16_t *owners, uint64_t index, uint16_t owner)
{
    __atomic_store_n(&owners[index], owner, __ATOMIC_RELAXED);
}

/* True if 'packet' lives in a frame of the pool with mempool 'mp' and nobody
 * else refers to it, so that a socket may send it from where it is. */
static inline bool
frame_pool_owns(const struct rte_mempool *mp, const struct dp_packet *packet)
{
    /* 'refcnt' and 'nb_segs' are neighbours: both are compared at once. */
    const uint32_t alone = 1 << 16 | 1;
    uint32_t counts;

    BUILD_ASSERT(offsetof(struct rte_mbuf, nb_segs)
                 == offsetof(struct rte_mbuf, refcnt) + sizeof(uint16_t));
    memcpy(&counts, (const char *) &packet->mbuf
                    + offsetof(struct rte_mbuf, refcnt), sizeof counts);
    return (packet->source == DPBUF_DPDK && packet->mbuf.pool == mp
            && counts == alone);
}

/* The number of the frame at byte 'addr' of the region. */
static inline uint64_t
frame_pool_index(uint64_t addr)
{
    return addr / FRAME_SIZE;
}

/* The place of byte 'p' in the region of 'pool'. */
static inline uint64_t
frame_pool_addr(const struct frame_pool *pool, const void *p)
{
    return (const char *) p - pool->base;
}

#endif /* frame-pool.h */
