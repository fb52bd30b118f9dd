/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* Packet memory: regions of frames, and the mempools that give them out. */

#include "frame-pool.h"

#include <errno.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_memory.h>
#include <rte_memzone.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/thread.h"
#include "openvswitch/vlog.h"
#include "ovs-numa.h"
#include "unixctl.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(frame_pool);

/* Frames beyond those reserved: what thread caches and packets on their way
 * through Open vSwitch may hold. */
#define FRAME_POOL_SLACK 4096

/* The smallest pool: four ports of one queue with default rings. */
#define FRAME_POOL_MIN 16384

/* Free packets that one PMD thread keeps to itself. */
#define FRAME_POOL_CACHE 256

static struct ovs_mutex pools_mutex = OVS_MUTEX_INITIALIZER;
static struct ovs_list pools OVS_GUARDED_BY(pools_mutex)
    = OVS_LIST_INITIALIZER(&pools);

/* How many more frames this thread may take from 'limited_mp' of any pool, and
 * whether there were less. */
static __thread unsigned int limit;
static __thread bool ran_out;

static void
frame_pool_destroy(struct frame_pool *pool)
    OVS_REQUIRES(pools_mutex)
{
    VLOG_DBG("freeing a pool of %"PRIu32" frames", pool->n_frames);
    ovs_list_remove(&pool->list_node);
    rte_mempool_free(pool->limited_mp);
    rte_mempool_free(pool->mp);
    rte_memzone_free(pool->mz);
    free(pool->packets);
    free(pool->owners);
    free(pool);
}

/* Frees the pools that nobody uses any more and whose packets are all back. */
static void
frame_pool_sweep(void)
    OVS_REQUIRES(pools_mutex)
{
    struct frame_pool *pool;

    LIST_FOR_EACH_SAFE (pool, list_node, &pools) {
        if (!pool->n_users && rte_mempool_full(pool->mp)) {
            frame_pool_destroy(pool);
        }
    }
}

/* Readies the packet of one frame once and for all.  rte_mempool_obj_cb_t. */
static void
frame_pool_init_packet(struct rte_mempool *mp OVS_UNUSED, void *pool_,
                       void *packet_, unsigned int i OVS_UNUSED)
{
    struct frame_pool *pool = pool_;
    struct dp_packet *packet = packet_;
    uint64_t addr = frame_pool_addr(pool, packet->mbuf.buf_addr);

    dp_packet_init_dpdk(packet);

    /* A frame lies within a page, while the pages of a pool may be anywhere in
     * physical memory. */
    packet->mbuf.buf_iova = rte_mem_virt2iova(packet->mbuf.buf_addr);
    pool->packets[frame_pool_index(addr)] = packet;
}

/* Mempool operations: 'limited_mp' has no elements of its own, but gives out
 * those of the pool.  They go back to where they belong, since a packet knows
 * its mempool. */

static int
limited_alloc(struct rte_mempool *mp OVS_UNUSED)
{
    return 0;
}

static void
limited_free(struct rte_mempool *mp OVS_UNUSED)
{
}

static int
limited_enqueue(struct rte_mempool *mp OVS_UNUSED,
                void *const *packets OVS_UNUSED, unsigned int n OVS_UNUSED)
{
    return -ENOTSUP;
}

static int
limited_dequeue(struct rte_mempool *mp, void **packets, unsigned int n)
{
    const struct frame_pool *pool = mp->pool_data;

    if (n > limit) {
        return -ENOBUFS;
    } else if (rte_mempool_get_bulk(pool->mp, packets, n)) {
        ran_out = true;
        return -ENOBUFS;
    }
    limit -= n;
    return 0;
}

static unsigned int
limited_get_count(const struct rte_mempool *mp OVS_UNUSED)
{
    return limit;
}

static const struct rte_mempool_ops limited_ops = {
    .name = "frame-limited",
    .alloc = limited_alloc,
    .free = limited_free,
    .enqueue = limited_enqueue,
    .dequeue = limited_dequeue,
    .get_count = limited_get_count,
};

/* Makes 'limited_mp' of 'pool'.  Returns false if there is no memory. */
static bool
frame_pool_create_limited(struct frame_pool *pool, const char *name)
{
    struct rte_pktmbuf_pool_private private = {
        .mbuf_data_room_size = FRAME_SIZE,
        .mbuf_priv_size = rte_pktmbuf_priv_size(pool->mp),
    };
    struct rte_mempool *mp = rte_mempool_create_empty(
        name, 1, pool->mp->elt_size, 0, sizeof private, SOCKET_ID_ANY, 0);

    if (!mp || rte_mempool_set_ops_byname(mp, limited_ops.name, NULL)) {
        rte_mempool_free(mp);
        return false;
    }
    rte_pktmbuf_pool_init(mp, &private);
    mp->pool_data = pool;
    pool->limited_mp = mp;
    return true;
}

static struct frame_pool *
frame_pool_create(int numa_id, uint32_t n_frames)
    OVS_REQUIRES(pools_mutex)
{
    static unsigned int n_created;
    char name[RTE_MEMZONE_NAMESIZE];
    size_t size = (size_t) n_frames * FRAME_SIZE;
    int socket_id = numa_id >= 0 ? numa_id : SOCKET_ID_ANY;

    /* A look at the headers of a short packet may read beyond the last frame,
     * and DPDK 22.11, completing a checksum, may write one byte there: hence
     * the further page. */
    snprintf(name, sizeof name, "frames-%u", n_created);
    const struct rte_memzone *mz = rte_memzone_reserve_aligned(
        name, size + get_page_size(), socket_id, 0, get_page_size());
    if (!mz) {
        return NULL;
    }

    const struct rte_pktmbuf_extmem frames = {
        .buf_ptr = mz->addr,
        .buf_iova = mz->iova,
        .buf_len = size,
        .elt_size = FRAME_SIZE,
    };
    snprintf(name, sizeof name, "packets-%u", ++n_created);
    struct rte_mempool *mp = rte_pktmbuf_pool_create_extbuf(
        name, n_frames, FRAME_POOL_CACHE,
        ROUND_UP(sizeof(struct dp_packet) - sizeof(struct rte_mbuf),
                 RTE_MBUF_PRIV_ALIGN),
        FRAME_SIZE, socket_id, &frames, 1);
    if (!mp) {
        rte_memzone_free(mz);
        return NULL;
    }

    struct frame_pool *pool = xzalloc(sizeof *pool);
    pool->mp = mp;
    pool->mz = mz;
    pool->base = mz->addr;
    pool->size = size;
    pool->n_frames = n_frames;
    pool->packets = xcalloc(n_frames, sizeof *pool->packets);
    pool->owners = xcalloc(n_frames, sizeof *pool->owners);

    /* Without hugepages, DPDK cannot choose where its memory is. */
    pool->numa_id = rte_eal_has_hugepages() ? mz->socket_id : -1;
    snprintf(name, sizeof name, "limited-%u", n_created);
    if (!frame_pool_create_limited(pool, name)) {
        rte_mempool_free(mp);
        rte_memzone_free(mz);
        free(pool->packets);
        free(pool->owners);
        free(pool);
        return NULL;
    }
    rte_mempool_obj_iter(mp, frame_pool_init_packet, pool);
    ovs_list_push_back(&pools, &pool->list_node);

    if (pool->numa_id >= 0) {
        VLOG_INFO("%"PRIu32" frames of %d bytes, NUMA node %d", n_frames,
                  FRAME_SIZE, pool->numa_id);
    } else {
        VLOG_INFO("%"PRIu32" frames of %d bytes", n_frames, FRAME_SIZE);
    }
    return pool;
}

/* Returns a pool on 'numa_id' with room for 'n_frames' more, the oldest, so
 * that most ports are together; or null, with '*n_new' set to the size that a
 * new one should have. */
static struct frame_pool *
frame_pool_find(int numa_id, uint32_t n_frames, uint32_t *n_new)
    OVS_REQUIRES(pools_mutex)
{
    struct frame_pool *pool;

    n_frames += FRAME_POOL_SLACK;
    *n_new = FRAME_POOL_MIN;
    LIST_FOR_EACH (pool, list_node, &pools) {
        if (numa_id < 0 || pool->numa_id < 0 || pool->numa_id == numa_id) {
            if (pool->n_reserved + n_frames <= pool->n_frames) {
                return pool;
            }
            *n_new = MAX(*n_new, pool->n_frames * 2);
        }
    }
    while (*n_new < n_frames) {
        *n_new *= 2;
    }
    return NULL;
}

/* Returns in '*poolp' a pool on 'numa_id' (negative: any node) with 'n_frames'
 * frames reserved for the caller, who gives them up with frame_pool_release().
 *
 * Returns 0, or a positive errno value with '*errp' set to a message for the
 * caller to free.  Main thread only; DPDK must have been started, see
 * eal_start(). */
int
frame_pool_acquire(int numa_id, uint32_t n_frames, struct frame_pool **poolp,
                   char **errp)
    OVS_EXCLUDED(pools_mutex)
{
    uint32_t n_new;
    int error = 0;

    ovs_mutex_lock(&pools_mutex);
    frame_pool_sweep();
    struct frame_pool *pool = frame_pool_find(numa_id, n_frames, &n_new);
    if (!pool) {
        pool = frame_pool_create(numa_id, n_new);
    }
    if (pool) {
        pool->n_users++;
        pool->n_reserved += n_frames;
    } else {
        *errp = xasprintf("no memory for %"PRIu32" packet frames of %d bytes "
                          "(%s); lower n_rxq, n_rxq_desc or n_txq_desc of "
                          "AF_XDP ports, or give DPDK more memory with "
                          "other_config:dpdk-init "
                          "and dpdk-socket-mem", n_new, FRAME_SIZE,
                          rte_strerror(rte_errno));
        error = ENOMEM;
    }
    ovs_mutex_unlock(&pools_mutex);

    *poolp = pool;
    return error;
}

/* Gives up 'n_frames' frames that frame_pool_acquire() reserved.  Packets of
 * the pool may still be on their way; the memory stays until they are back. */
void
frame_pool_release(struct frame_pool *pool, uint32_t n_frames)
    OVS_EXCLUDED(pools_mutex)
{
    ovs_mutex_lock(&pools_mutex);
    ovs_assert(pool->n_users && pool->n_reserved >= n_frames);
    pool->n_users--;
    pool->n_reserved -= n_frames;
    frame_pool_sweep();
    ovs_mutex_unlock(&pools_mutex);
}

/* Frees all the frames that the closed socket 'owner' held in its rings. */
void
frame_pool_reclaim(struct frame_pool *pool, uint16_t owner)
{
    for (uint32_t i = 0; i < pool->n_frames; i++) {
        if (frame_pool_owner(pool->owners, i) == owner) {
            frame_pool_set_owner(pool->owners, i, 0);
            frame_pool_put(pool, &pool->packets[i], 1);
        }
    }
}

/* Lets the calling thread take 'n' frames, and no more before the next call,
 * from 'limited_mp' of any pool.  That is for a library that takes as many as
 * someone else tells it to. */
void
frame_pool_set_limit(unsigned int n)
{
    limit = n;
    ran_out = false;
}

/* True if since the calling thread's last frame_pool_set_limit() there were
 * less free frames than it might have taken, and wanted. */
bool
frame_pool_ran_out(void)
{
    return ran_out;
}

static void
frame_pool_unixctl_show(struct unixctl_conn *conn, int argc OVS_UNUSED,
                        const char *argv[] OVS_UNUSED, void *aux OVS_UNUSED)
{
    struct ds s = DS_EMPTY_INITIALIZER;
    struct frame_pool *pool;

    ovs_mutex_lock(&pools_mutex);
    frame_pool_sweep();
    LIST_FOR_EACH (pool, list_node, &pools) {
        unsigned int n_free = rte_mempool_avail_count(pool->mp);
        unsigned int n_rings = 0;

        for (uint32_t i = 0; i < pool->n_frames; i++) {
            n_rings += frame_pool_owner(pool->owners, i) != 0;
        }
        ds_put_cstr(&s, "frame pool: NUMA node ");
        if (pool->numa_id < 0) {
            ds_put_cstr(&s, "any");
        } else {
            ds_put_format(&s, "%d", pool->numa_id);
        }
        ds_put_format(&s, ", %"PRIu32" frames of %d bytes\n"
                      "  users: %u\n"
                      "  reserved: %"PRIu32"\n"
                      "  free: %u\n"
                      "  in rings: %u\n"
                      "  in packets: %d\n",
                      pool->n_frames, FRAME_SIZE, pool->n_users,
                      pool->n_reserved, n_free, n_rings,
                      (int) (pool->n_frames - n_free - n_rings));
    }
    if (ovs_list_is_empty(&pools)) {
        ds_put_cstr(&s, "no frame pool\n");
    }
    ovs_mutex_unlock(&pools_mutex);

    unixctl_command_reply(conn, ds_cstr(&s));
    ds_destroy(&s);
}

/* Registers "frame-pool/show", and what a pool needs of DPDK.  Call once, from
 * the main thread. */
void
frame_pool_init(void)
{
    rte_mempool_register_ops(&limited_ops);
    unixctl_command_register("frame-pool/show", "", 0, 0,
                             frame_pool_unixctl_show, NULL);
}
