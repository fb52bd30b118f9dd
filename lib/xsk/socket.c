/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* An AF_XDP socket from its opening to its end, and what it counts. */

#include "xsk/socket.h"

#include <errno.h>
#include <linux/if_xdp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "coverage.h"
#include "dp-packet.h"
#include "id-pool.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "ovs-compat.h"
#include "timeval.h"
#include "util.h"
#include "xsk/rings.h"

VLOG_DEFINE_THIS_MODULE(xsk);

COVERAGE_DEFINE(xsk_bind_retried);
COVERAGE_DEFINE(xsk_drop_closed);

BUILD_ASSERT_DECL(FRAME_KERNEL_HEADROOM == XDP_PACKET_HEADROOM);

/* A queue stays busy for a moment after its last socket was closed, since the
 * kernel takes it down in a work queue: 1 to 32 ms were seen. */
#define BIND_TIMEOUT_MS 500

/* How long a socket that is closed waits for the packets that the device has
 * taken, but not yet sent. */
#define CLOSE_TIMEOUT_MS 20

enum { RING_RX, RING_TX, RING_FILL, RING_COMPLETION };

static struct ovs_mutex ids_mutex = OVS_MUTEX_INITIALIZER;
static struct id_pool *ids OVS_GUARDED_BY(ids_mutex);

const char *
xsk_counter_name(enum xsk_counter counter)
{
    static const char *names[] = {
#define X(ID, NAME) [XSK_##ID] = NAME,
        XSK_COUNTERS
#undef X
    };

    return names[counter];
}

/* The most frames that a socket of this 'config' can hold in its rings. */
uint32_t
xsk_n_frames(const struct xsk_config *config)
{
    return config->n_rxq_desc + config->n_txq_desc;
}

/* Opening. */

static bool
xsk_alloc_id(uint16_t *id)
{
    uint32_t new_id;

    ovs_mutex_lock(&ids_mutex);
    if (!ids) {
        ids = id_pool_create(1, UINT16_MAX);
    }
    bool ok = id_pool_alloc_id(ids, &new_id);
    ovs_mutex_unlock(&ids_mutex);

    *id = ok ? new_id : 0;
    return ok;
}

static void
xsk_free_id(uint16_t id)
{
    ovs_mutex_lock(&ids_mutex);
    id_pool_free_id(ids, id);
    ovs_mutex_unlock(&ids_mutex);
}

/* Registers all of the pool's memory.  Returns 0 or an errno value. */
static int
xsk_register_umem(struct xsk *xsk)
{
    struct compat_xdp_umem_reg umem = {
        .addr = (uintptr_t) xsk->pool->base,
        .len = xsk->pool->size,
        .chunk_size = FRAME_SIZE,
        .headroom = FRAME_EXTRA_HEADROOM,
    };

    if (xsk->config.tx_csum) {
        umem.flags = XDP_UMEM_TX_METADATA_LEN;
        umem.tx_metadata_len = TX_METADATA_LEN;
        if (!setsockopt(xsk->fd, SOL_XDP, XDP_UMEM_REG, &umem, sizeof umem)) {
            xsk->tx_csum = true;
            return 0;
        } else if (errno != EINVAL) {
            return errno;
        }
        /* The kernel is older than the flag. */
        umem.flags = 0;
        umem.tx_metadata_len = 0;
    }
    return setsockopt(xsk->fd, SOL_XDP, XDP_UMEM_REG, &umem, sizeof umem)
           ? errno : 0;
}

/* Makes ring 'ring' with 'n' descriptors of 'desc_size' bytes and maps it.
 * The addresses of its parts go where the last five arguments say. */
static int
xsk_map_ring(struct xsk *xsk, int ring, uint32_t n, size_t desc_size,
             uint32_t **producer, uint32_t **consumer, uint32_t **flags,
             void **descs)
{
    static const struct {
        int option;
        off_t pgoff;
        size_t ofs;
    } kinds[] = {
        [RING_RX] = { XDP_RX_RING, XDP_PGOFF_RX_RING,
                      offsetof(struct xdp_mmap_offsets, rx) },
        [RING_TX] = { XDP_TX_RING, XDP_PGOFF_TX_RING,
                      offsetof(struct xdp_mmap_offsets, tx) },
        [RING_FILL] = { XDP_UMEM_FILL_RING, XDP_UMEM_PGOFF_FILL_RING,
                        offsetof(struct xdp_mmap_offsets, fr) },
        [RING_COMPLETION] = { XDP_UMEM_COMPLETION_RING,
                              XDP_UMEM_PGOFF_COMPLETION_RING,
                              offsetof(struct xdp_mmap_offsets, cr) },
    };
    struct xdp_mmap_offsets offsets;
    socklen_t len = sizeof offsets;

    if (setsockopt(xsk->fd, SOL_XDP, kinds[ring].option, &n, sizeof n)
        || getsockopt(xsk->fd, SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &len)) {
        return errno;
    }

    struct xdp_ring_offset *o = (void *) ((char *) &offsets + kinds[ring].ofs);
    size_t size = o->desc + n * desc_size;
    char *map = mmap(NULL, size, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_POPULATE, xsk->fd, kinds[ring].pgoff);
    if (map == MAP_FAILED) {
        return errno;
    }
    xsk->maps[ring] = map;
    xsk->map_sizes[ring] = size;

    *producer = ALIGNED_CAST(uint32_t *, map + o->producer);
    *consumer = ALIGNED_CAST(uint32_t *, map + o->consumer);
    *flags = ALIGNED_CAST(uint32_t *, map + o->flags);
    *descs = map + o->desc;
    return 0;
}

static int
xsk_map_prod(struct xsk *xsk, int ring, uint32_t n, size_t desc_size,
             struct xsk_ring_prod *r)
{
    r->size = n;
    r->mask = n - 1;
    r->cached_cons = n;         /* The accessors keep it 'size' ahead. */
    return xsk_map_ring(xsk, ring, n, desc_size, &r->producer, &r->consumer,
                        &r->flags, &r->ring);
}

static int
xsk_map_cons(struct xsk *xsk, int ring, uint32_t n, size_t desc_size,
             struct xsk_ring_cons *r)
{
    r->size = n;
    r->mask = n - 1;
    return xsk_map_ring(xsk, ring, n, desc_size, &r->producer, &r->consumer,
                        &r->flags, &r->ring);
}

static int
xsk_map_rings(struct xsk *xsk)
    OVS_NO_THREAD_SAFETY_ANALYSIS
{
    uint32_t n_rx = xsk->config.n_rxq_desc;
    uint32_t n_tx = xsk->config.n_txq_desc;
    int error;

    error = xsk_map_prod(xsk, RING_FILL, n_rx, sizeof(uint64_t), &xsk->fill);
    if (!error) {
        error = xsk_map_cons(xsk, RING_COMPLETION, n_tx, sizeof(uint64_t),
                             &xsk->completion);
    }
    if (!error) {
        error = xsk_map_cons(xsk, RING_RX, n_rx, sizeof(struct xdp_desc),
                             &xsk->rx);
    }
    if (!error) {
        error = xsk_map_prod(xsk, RING_TX, n_tx, sizeof(struct xdp_desc),
                             &xsk->tx);
    }
    return error;
}

/* Binds to the device's queue, with packets that span frames if the kernel
 * and the device can.  Returns 0 or an errno value. */
static int
xsk_bind(struct xsk *xsk)
{
    struct sockaddr_xdp sxdp = {
        .sxdp_family = AF_XDP,
        .sxdp_flags = (XDP_USE_NEED_WAKEUP | XDP_USE_SG
                       | (xsk->config.zerocopy ? XDP_ZEROCOPY : XDP_COPY)),
        .sxdp_ifindex = xsk->config.ifindex,
        .sxdp_queue_id = xsk->config.queue_id,
    };
    long long int deadline = time_msec() + BIND_TIMEOUT_MS;

    while (bind(xsk->fd, (struct sockaddr *) &sxdp, sizeof sxdp)) {
        if (errno == EBUSY && time_msec() < deadline) {
            COVERAGE_INC(xsk_bind_retried);
            xnanosleep(1000 * 1000);
        } else if ((errno == EINVAL || errno == EOPNOTSUPP)
                   && sxdp.sxdp_flags & XDP_USE_SG) {
            sxdp.sxdp_flags &= ~XDP_USE_SG;
        } else {
            return errno;
        }
    }
    xsk->multi_buffer = sxdp.sxdp_flags & XDP_USE_SG;
    return 0;
}

/* Opens a socket according to 'config', with its frames from 'pool', of which
 * the caller must have reserved xsk_n_frames().  The socket receives nothing
 * until an XDP program is told of it, with xsk_program_set_socket().
 *
 * Returns 0 with '*xskp' set, for the caller to xsk_close(), or a positive
 * errno value with '*errp' set to a message for the caller to free.  EBUSY
 * means that the queue has another socket, EOPNOTSUPP that the device lacks
 * zero-copy. */
int
xsk_open(const struct xsk_config *config, struct frame_pool *pool,
         struct xsk **xskp, char **errp)
{
    struct xsk *xsk = xzalloc_cacheline(sizeof *xsk);
    const char *what = "too many sockets";
    int error = EMFILE;

    xsk->config = *config;
    xsk->pool = pool;
    xsk->fd = -1;
    ovs_spin_init(&xsk->tx_lock);
    atomic_init(&xsk->tx_pending, false);
    atomic_init(&xsk->poller, OVSTHREAD_ID_UNSET);
    for (int i = 0; i < XSK_N_COUNTERS; i++) {
        atomic_init(&xsk->counters[i], 0);
    }
    atomic_init(&xsk->tx_unsent_bytes, 0);
    if (!xsk_alloc_id(&xsk->id)) {
        goto error;
    }

    what = "creating an AF_XDP socket (needs CAP_NET_RAW)";
    xsk->fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (xsk->fd < 0) {
        error = errno;
        goto error;
    }

    what = "registering packet memory (its pages are locked: needs "
           "CAP_IPC_LOCK or a larger RLIMIT_MEMLOCK)";
    error = xsk_register_umem(xsk);
    if (error) {
        goto error;
    }

    what = "making the rings";
    error = xsk_map_rings(xsk);
    if (error) {
        goto error;
    }
    xsk_refill(xsk);

    what = (config->zerocopy ? "binding in zero-copy mode"
            : "binding in copy mode");
    error = xsk_bind(xsk);
    if (error) {
        goto error;
    }

    /* Newer kernels send more than 32 packets for one call, if asked.  Packets
     * on their way are charged to the socket: let a ring full of them fit. */
    int budget = MIN(TX_BUDGET, config->n_txq_desc);
    setsockopt(xsk->fd, SOL_XDP, XDP_MAX_TX_SKB_BUDGET, &budget,
               sizeof budget);
    int sndbuf = config->n_txq_desc * 2 * FRAME_SIZE;
    if (setsockopt(xsk->fd, SOL_SOCKET, SO_SNDBUFFORCE, &sndbuf,
                   sizeof sndbuf)) {
        VLOG_DBG("queue %"PRIu32": cannot enlarge the send buffer (%s)",
                 config->queue_id, ovs_strerror(errno));
    }

    struct xdp_options options;
    socklen_t len = sizeof options;
    if (!getsockopt(xsk->fd, SOL_XDP, XDP_OPTIONS, &options, &len)) {
        xsk->zerocopy = options.flags & XDP_OPTIONS_ZEROCOPY;
    }

    *xskp = xsk;
    return 0;

error:
    *errp = xasprintf("queue %"PRIu32": %s: %s%s", config->queue_id, what,
                      error == EBUSY && xsk->fd >= 0
                      ? "it already has an AF_XDP socket: " : "",
                      ovs_strerror(error));
    xsk_close(xsk, NULL);
    return error;
}

/* Returns true if the kernel has unbound 'xsk' since the last call, because
 * its device was deleted or has left the network namespace. */
bool
xsk_lost_device(const struct xsk *xsk)
{
    int error = 0;
    socklen_t len = sizeof error;

    return (!getsockopt(xsk->fd, SOL_SOCKET, SO_ERROR, &error, &len)
            && error == ENETDOWN);
}

/* Closing. */

/* Waits a moment for the packets of 'xsk' that the kernel has taken from the
 * tx ring.  A driver may refer to their frames, which then must not be used
 * for other packets yet. */
static void
xsk_await_completions(struct xsk *xsk)
{
    long long int deadline = time_msec() + CLOSE_TIMEOUT_MS;

    for (;;) {
        ovs_spin_lock(&xsk->tx_lock);
        xsk_reap_completions(xsk);
        uint32_t n_untaken = (xsk->tx.cached_prod
                              - __atomic_load_n(xsk->tx.consumer,
                                                __ATOMIC_ACQUIRE));
        bool done = xsk->tx_outstanding <= n_untaken;
        ovs_spin_unlock(&xsk->tx_lock);

        if (done || time_msec() >= deadline) {
            break;
        }
        xnanosleep(1000 * 1000);
    }
}

/* The number of packets whose last descriptor is between 'from' and 'to' in
 * 'ring', and whose frame still belongs to 'xsk'.  '*n_bytes' is set to the
 * bytes in such frames. */
static uint64_t
xsk_count_packets(const struct xsk *xsk, const void *ring, uint32_t mask,
                  uint32_t from, uint32_t to, uint64_t *n_bytes)
{
    const struct xdp_desc *descs = ring;
    uint64_t n = 0;

    *n_bytes = 0;
    for (; from != to; from++) {
        const struct xdp_desc *desc = &descs[from & mask];
        uint64_t index = frame_pool_index(desc->addr);

        if (index < xsk->pool->n_frames
            && frame_pool_owner(xsk->pool->owners, index) == xsk->id) {
            n += !(desc->options & XDP_PKT_CONTD);
            *n_bytes += desc->len;
        }
    }
    return n;
}

/* Counts as dropped what is still in the rings of 'xsk': received, but not
 * read, and to be sent, but not taken by the kernel.  If a port was deleted,
 * only "coverage/show" will tell. */
static void
xsk_count_leftovers(struct xsk *xsk)
{
    uint64_t n_bytes;
    uint64_t n_rx = xsk_count_packets(
        xsk, xsk->rx.ring, xsk->rx.mask, xsk->rx.cached_cons,
        __atomic_load_n(xsk->rx.producer, __ATOMIC_ACQUIRE), &n_bytes);

    /* The kernel may show only later how much it has taken from the tx ring,
     * if the device has dropped packets.  But their frames have come back. */
    ovs_spin_lock(&xsk->tx_lock);
    uint32_t n_untaken = (xsk->tx.cached_prod
                          - __atomic_load_n(xsk->tx.consumer,
                                            __ATOMIC_ACQUIRE));
    uint64_t n_tx = xsk_count_packets(
        xsk, xsk->tx.ring, xsk->tx.mask,
        xsk->tx.cached_prod - MIN(n_untaken, xsk->tx_outstanding),
        xsk->tx.cached_prod, &n_bytes);
    ovs_spin_unlock(&xsk->tx_lock);

    /* The rest of a packet that has been dropped is not another one. */
    n_rx -= n_rx && xsk->rx_skip;

    xsk_count(xsk, XSK_RX_DROP_CLOSED, n_rx);
    xsk_count(xsk, XSK_TX_DROP_CLOSED, n_tx);
    xsk_count_unsent_bytes(xsk, n_bytes);
    COVERAGE_ADD(xsk_drop_closed, n_rx + n_tx);
}

/* Closes 'xsk', which no thread may use any more, gives its frames back to the
 * pool and adds its counters to '*stats', if that is not null. */
void
xsk_close(struct xsk *xsk, struct xsk_stats *stats)
{
    if (xsk->maps[RING_RX] && xsk->maps[RING_TX]) {
        xsk_flush_tx(xsk);
        xsk_await_completions(xsk);
        xsk_count_leftovers(xsk);
    }
    if (stats) {
        xsk_add_stats(xsk, stats);
    }
    if (xsk->fd >= 0) {
        close(xsk->fd);
    }
    for (int i = 0; i < ARRAY_SIZE(xsk->maps); i++) {
        if (xsk->maps[i]) {
            munmap(xsk->maps[i], xsk->map_sizes[i]);
        }
    }
    dp_packet_delete(xsk->rx_head);
    if (xsk->id) {
        frame_pool_reclaim(xsk->pool, xsk->id);
        xsk_free_id(xsk->id);
    }
    ovs_spin_destroy(&xsk->tx_lock);
    free_cacheline(xsk);
}

/* Reporting. */

/* Adds the counters of 'xsk' to '*stats'.  Any thread. */
void
xsk_add_stats(const struct xsk *xsk, struct xsk_stats *stats)
{
    struct xdp_statistics kernel = { .rx_dropped = 0 };
    socklen_t len = sizeof kernel;
    uint64_t own[XSK_XDP_RX_DROPPED];
    uint64_t n_unsent_bytes;

    for (int i = 0; i < ARRAY_SIZE(own); i++) {
        atomic_read_relaxed(&CONST_CAST(struct xsk *, xsk)->counters[i],
                            &own[i]);
        stats->n[i] += own[i];
    }
    if (!getsockopt(xsk->fd, SOL_XDP, XDP_STATISTICS, &kernel, &len)) {
        stats->n[XSK_XDP_RX_DROPPED] += kernel.rx_dropped;
        stats->n[XSK_XDP_RX_INVALID_DESCS] += kernel.rx_invalid_descs;
        stats->n[XSK_XDP_TX_INVALID_DESCS] += kernel.tx_invalid_descs;
        stats->n[XSK_XDP_RX_RING_FULL] += kernel.rx_ring_full;
        stats->n[XSK_XDP_RX_FILL_RING_EMPTY_DESCS]
            += kernel.rx_fill_ring_empty_descs;
        stats->n[XSK_XDP_TX_RING_EMPTY_DESCS] += kernel.tx_ring_empty_descs;
    }

    /* Counted as they went into the ring, before they were dropped.  The
     * counters are not of the same moment. */
    uint64_t n_unsent = (kernel.tx_invalid_descs + own[XSK_TX_DROP_DEVICE]
                         + own[XSK_TX_DROP_CLOSED]);
    stats->n[XSK_TX_PACKETS] -= MIN(n_unsent, own[XSK_TX_PACKETS]);

    /* Which descriptors the kernel found invalid, it does not say; there
     * should be none. */
    atomic_read_relaxed(&CONST_CAST(struct xsk *, xsk)->tx_unsent_bytes,
                        &n_unsent_bytes);
    n_unsent_bytes += (kernel.tx_invalid_descs * own[XSK_TX_BYTES]
                       / MAX(own[XSK_TX_PACKETS], 1));
    stats->n[XSK_TX_BYTES] -= MIN(n_unsent_bytes, own[XSK_TX_BYTES]);
}

/* Appends the state of 'xsk' and of its rings to 's'.  Any thread: the numbers
 * are a glimpse. */
void
xsk_format(const struct xsk *xsk_, struct ds *s)
{
    struct xsk *xsk = CONST_CAST(struct xsk *, xsk_);
    struct xsk_stats stats = { .n = { 0 } };

    ds_put_format(s, "  queue %"PRIu32": socket %"PRIu16", %s, %s, tx "
                  "checksum %s\n", xsk->config.queue_id, xsk->id,
                  xsk->zerocopy ? "zero-copy" : "copy",
                  xsk->multi_buffer ? "multi-buffer" : "single buffer",
                  xsk->tx_csum ? "offload" : "in software");

    ovs_spin_lock(&xsk->tx_lock);
    const struct {
        const char *name;
        const uint32_t *producer, *consumer;
        uint32_t size;
    } rings[] = {
        { "rx", xsk->rx.producer, xsk->rx.consumer, xsk->rx.size },
        { "fill", xsk->fill.producer, xsk->fill.consumer, xsk->fill.size },
        { "tx", xsk->tx.producer, xsk->tx.consumer, xsk->tx.size },
        { "completion", xsk->completion.producer, xsk->completion.consumer,
          xsk->completion.size },
    };
    ds_put_cstr(s, "    rings:");
    for (int i = 0; i < ARRAY_SIZE(rings); i++) {
        uint32_t n = (__atomic_load_n(rings[i].producer, __ATOMIC_RELAXED)
                      - __atomic_load_n(rings[i].consumer, __ATOMIC_RELAXED));

        ds_put_format(s, " %s %"PRIu32"/%"PRIu32, rings[i].name, n,
                      rings[i].size);
    }
    ovs_spin_unlock(&xsk->tx_lock);
    ds_put_char(s, '\n');

    xsk_add_stats(xsk, &stats);
    for (int i = 0; i < XSK_N_COUNTERS; i++) {
        if (stats.n[i]) {
            ds_put_format(s, "    %s: %"PRIu64"\n", xsk_counter_name(i),
                          stats.n[i]);
        }
    }
}
