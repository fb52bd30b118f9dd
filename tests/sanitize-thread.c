/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

/* Preloaded by tests/sanitize, tells ThreadSanitizer what it cannot see: that
 * whoever takes a packet from a memory pool of DPDK comes after those who have
 * given packets back.  DPDK is not built with the checks, and its rings are
 * made of instructions, not of locks that could be intercepted.
 *
 * (To suppress what is reported otherwise would hide each race about a packet:
 * this does not.) */

#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <rte_mempool.h>

/* Weak: programs without ThreadSanitizer, and DPDK, are run, too. */
void __tsan_acquire(void *) __attribute__((weak));
void __tsan_release(void *) __attribute__((weak));
extern struct rte_mempool_ops_table rte_mempool_ops_table
    __attribute__((weak));

static rte_mempool_enqueue_t original_enqueue[RTE_MEMPOOL_MAX_OPS_IDX];
static rte_mempool_dequeue_t original_dequeue[RTE_MEMPOOL_MAX_OPS_IDX];

static int
enqueue(struct rte_mempool *mp, void *const *objs, unsigned int n)
{
    __tsan_release(mp);
    return original_enqueue[mp->ops_index](mp, objs, n);
}

static int
dequeue(struct rte_mempool *mp, void **objs, unsigned int n)
{
    int error = original_dequeue[mp->ops_index](mp, objs, n);

    __tsan_acquire(mp);
    return error;
}

/* DPDK's function, which is called once for each new pool. */
int
rte_mempool_set_ops_byname(struct rte_mempool *mp, const char *name,
                           void *config)
{
    int (*original)(struct rte_mempool *, const char *, void *)
        = dlsym(RTLD_NEXT, "rte_mempool_set_ops_byname");
    int error = original(mp, name, config);
    struct rte_mempool_ops *ops = &rte_mempool_ops_table.ops[mp->ops_index];

    if (!error && &__tsan_acquire && ops->enqueue != enqueue) {
        original_enqueue[mp->ops_index] = ops->enqueue;
        original_dequeue[mp->ops_index] = ops->dequeue;
        ops->enqueue = enqueue;
        ops->dequeue = dequeue;
    }
    return error;
}
