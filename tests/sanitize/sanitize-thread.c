/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

/* Preloaded by tests/sanitize/sanitize, tells ThreadSanitizer what it cannot
 * see: that whoever takes a packet from a memory pool of DPDK, or memory from
 * its heap, comes after those who have given some back.  DPDK is not built
 * with the checks, and its rings and locks are made of instructions, not of
 * functions that could be intercepted.
 *
 * (To suppress what is reported otherwise would hide each race about a packet:
 * this does not.) */

#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <rte_malloc.h>
#include <rte_mempool.h>
#include <rte_memzone.h>

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

/* The heap.  What these functions call of each other is not intercepted. */

static char heap;

static void
came_from_heap(void)
{
    if (&__tsan_acquire) {
        __tsan_acquire(&heap);
    }
}

static void
goes_to_heap(void)
{
    if (&__tsan_release) {
        __tsan_release(&heap);
    }
}

#define ORIGINAL(NAME) ((__typeof__(&NAME)) dlsym(RTLD_NEXT, #NAME))

/* Defines DPDK's function NAME, which returns memory of type TYPE. */
#define TAKES(TYPE, NAME, PARAMETERS, ARGUMENTS)                \
    TYPE                                                        \
    NAME PARAMETERS                                             \
    {                                                           \
        TYPE p = ORIGINAL(NAME) ARGUMENTS;                      \
                                                                \
        came_from_heap();                                       \
        return p;                                               \
    }

TAKES(void *, rte_malloc, (const char *type, size_t size, unsigned int align),
      (type, size, align))
TAKES(void *, rte_zmalloc, (const char *type, size_t size, unsigned int align),
      (type, size, align))
TAKES(void *, rte_malloc_socket,
      (const char *type, size_t size, unsigned int align, int socket),
      (type, size, align, socket))
TAKES(void *, rte_zmalloc_socket,
      (const char *type, size_t size, unsigned int align, int socket),
      (type, size, align, socket))
TAKES(void *, rte_calloc_socket,
      (const char *type, size_t n, size_t size, unsigned int align,
       int socket), (type, n, size, align, socket))
TAKES(const struct rte_memzone *, rte_memzone_reserve,
      (const char *name, size_t size, int socket, unsigned int flags),
      (name, size, socket, flags))
TAKES(const struct rte_memzone *, rte_memzone_reserve_aligned,
      (const char *name, size_t size, int socket, unsigned int flags,
       unsigned int align), (name, size, socket, flags, align))

/* The memory is cleared as it goes back. */

void
rte_free(void *p)
{
    ORIGINAL(rte_free)(p);
    goes_to_heap();
}

int
rte_memzone_free(const struct rte_memzone *mz)
{
    int error = ORIGINAL(rte_memzone_free)(mz);

    goes_to_heap();
    return error;
}

/* These do both. */

void *
rte_realloc(void *p, size_t size, unsigned int align)
{
    void *new = ORIGINAL(rte_realloc)(p, size, align);

    goes_to_heap();
    came_from_heap();
    return new;
}

void *
rte_realloc_socket(void *p, size_t size, unsigned int align, int socket)
{
    void *new = ORIGINAL(rte_realloc_socket)(p, size, align, socket);

    goes_to_heap();
    came_from_heap();
    return new;
}
