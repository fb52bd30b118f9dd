/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* A test of lib/frame-pool.h, in both its ways to take free packets and to
 * give them back: this is compiled once as everything is, and once with
 * FRAME_POOL_NO_CACHE. */

#include "frame-pool.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "dpdk.h"
#include "eal.h"
#include "netdev.h"
#include "openvswitch/vlog.h"
#include "ovs-numa.h"
#include "util.h"

#define N_ROUNDS 10000
#define MAX_HELD 2048

static unsigned int
rnd(unsigned int n)
{
    static uint32_t state = 20261130;

    state = state * 1664525 + 1013904223;
    return (state >> 8) % n;
}

/* Takes packets and gives them back, at random, up to a burst at a time.  No
 * packet may be had twice, and in the end all are free again. */
static void
test(struct frame_pool *pool)
{
    unsigned int n_free = rte_mempool_avail_count(pool->mp);
    bool *taken = xcalloc(pool->n_frames, sizeof *taken);
    struct dp_packet *held[MAX_HELD];
    unsigned int n_held = 0;

    for (int i = 0; i < N_ROUNDS || n_held; i++) {
        struct dp_packet *buffer[NETDEV_MAX_BURST];
        unsigned int n = 1 + rnd(NETDEV_MAX_BURST);
        struct dp_packet **packets;

        if (i < N_ROUNDS && n_held + n <= MAX_HELD && rnd(8)) {
            packets = frame_pool_get_in_place(pool, buffer, n);
            assert(packets);
            for (unsigned int j = 0; j < n; j++) {
                uint64_t addr = frame_pool_addr(pool,
                                                packets[j]->mbuf.buf_addr);
                uint64_t index = frame_pool_index(addr);

                assert(index < pool->n_frames && !taken[index]);
                assert(pool->packets[index] == packets[j]);
                taken[index] = true;
                held[n_held++] = packets[j];
            }
        } else if (n_held) {
            unsigned int n_put = 0;

            n = MIN(n, n_held);
            packets = frame_pool_put_place(pool, buffer, n);

            /* Fewer may be given back than was said. */
            for (unsigned int m = 1 + rnd(n); n_put < m; n_put++) {
                struct dp_packet *packet = held[--n_held];

                packets[n_put] = packet;
                taken[frame_pool_index(frame_pool_addr(
                    pool, packet->mbuf.buf_addr))] = false;
            }
            frame_pool_put_in_place(pool, packets, buffer, n_put);
        }
        assert(rte_mempool_avail_count(pool->mp) == n_free - n_held);
    }
    free(taken);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    struct frame_pool *pool;
    char *error = NULL;

    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_ERR);
    ovs_numa_init();
    frame_pool_init();
    if (eal_start("test", &error)
        || frame_pool_acquire(-1, 1024, &pool, &error)) {
        ovs_fatal(0, "%s", error);
    }

    /* A thread that DPDK does not know has no cache... */
    test(pool);

    /* ...and one that it knows, as it knows PMD threads, does. */
    assert(dpdk_attach_thread(0));
    test(pool);
    puts("2 threads");
    return 0;
}
