/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

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
#include "packets.h"
#include "partial-csum.h"
#include "timeval.h"
#include "util.h"
#include "xsk/rx-meta.h"

VLOG_DEFINE_THIS_MODULE(xsk);

COVERAGE_DEFINE(xsk_fill_postponed);
COVERAGE_DEFINE(xsk_bind_retried);
COVERAGE_DEFINE(xsk_tx_again);
COVERAGE_DEFINE(xsk_drop_closed);

/* Bytes before a packet that tell the kernel how to send it. */
#define TX_METADATA_LEN sizeof(struct compat_xsk_tx_metadata)
BUILD_ASSERT_DECL(sizeof(struct compat_xsk_tx_metadata) == 24);
BUILD_ASSERT_DECL(FRAME_KERNEL_HEADROOM == XDP_PACKET_HEADROOM);
BUILD_ASSERT_DECL(NETDEV_MAX_BURST <= 32);      /* One bit for each. */

/* A queue stays busy for a moment after its last socket was closed, since the
 * kernel takes it down in a work queue: 1 to 32 ms were seen. */
#define BIND_TIMEOUT_MS 500

/* How long a socket that is closed waits for the packets that the device has
 * taken, but not yet sent. */
#define CLOSE_TIMEOUT_MS 20

/* Packets that one system call sends, if the kernel lets us choose, and that
 * may wait for it together.  The kernel's cost for each falls with their
 * number; to wait for more would not gain much. */
#define TX_BUDGET 256

/* The number of polls for which packets may wait. */
#define TX_POLLS 8

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

/* Gives the kernel free frames to receive into, a burst at a time, up to
 * 'n_rxq_desc' together with those that it has filled and we have not read.
 * More would not let more packets wait, since that is what the rx ring holds;
 * it would only take memory. */
static void
xsk_refill(struct xsk *xsk)
{
    struct frame_pool *pool = xsk->pool;
    struct dp_packet *buffer[NETDEV_MAX_BURST];
    uint16_t *owners = pool->owners;
    const char *base = pool->base;
    uint16_t id = xsk->id;

    while (xsk->rx_outstanding + NETDEV_MAX_BURST <= xsk->config.n_rxq_desc) {
        struct dp_packet **packets = frame_pool_get_in_place(
            pool, buffer, NETDEV_MAX_BURST);
        uint64_t *addrs = xsk->fill.ring;

        if (!packets) {
            COVERAGE_INC(xsk_fill_postponed);
            break;
        }

        /* Whole bursts never go over the end of the ring, and their size is
         * fixed: the loop can be unrolled. */
        addrs += xsk->fill.cached_prod & xsk->fill.mask;
#pragma GCC unroll 8
        for (int i = 0; i < NETDEV_MAX_BURST; i++) {
            uint64_t addr = (char *) dp_packet_base(packets[i]) - base;

            frame_pool_set_owner(owners, frame_pool_index(addr), id);
            addrs[i] = addr;
        }
        xsk->fill.cached_prod += NETDEV_MAX_BURST;
        xsk_ring_prod__submit(&xsk->fill, NETDEV_MAX_BURST);
        xsk->rx_outstanding += NETDEV_MAX_BURST;
    }
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

/* Receiving. */

/* Applies what the XDP program has put in front of 'packet', if anything. */
static void
xsk_read_rx_meta(struct xsk *xsk, struct dp_packet *packet)
{
    char *place = (char *) dp_packet_data(packet) - sizeof(struct xsk_rx_meta);
    struct xsk_rx_meta meta;

    memcpy(&meta, place, sizeof meta);
    if (meta.key != xsk->config.rx_metadata_key) {
        return;
    }
    memset(place, 0, sizeof meta);
    if (meta.hash) {
        dp_packet_set_rss_hash(packet, meta.hash);
    }
    if (meta.vlan_proto) {
        eth_push_vlan(packet, (OVS_FORCE ovs_be16) meta.vlan_proto,
                      htons(meta.vlan_tci));
        xsk_count(xsk, XSK_RX_VLAN_RESTORED, 1);
    }
}

/* Appends the frame 'segment' to the packet that is being put together from
 * several.  Returns it if this was the last, otherwise null.  Open vSwitch
 * wants a packet in one piece, hence the copy. */
static struct dp_packet *
xsk_append_segment(struct xsk *xsk, struct dp_packet *segment, bool last)
{
    size_t size = dp_packet_size(segment);

    if (!xsk->rx_head && !xsk->rx_skip) {
        /* The first.  It alone has metadata, maybe a restored tag. */
        xsk->rx_head = dp_packet_new_with_headroom(
            XSK_MAX_SEGS * FRAME_DATA_ROOM, FRAME_HEADROOM);
        if (dp_packet_rss_valid(segment)) {
            dp_packet_set_rss_hash(xsk->rx_head,
                                   dp_packet_get_rss_hash(segment));
        }
    }
    if (xsk->rx_head) {
        if (dp_packet_tailroom(xsk->rx_head) >= size) {
            dp_packet_put(xsk->rx_head, dp_packet_data(segment), size);
        } else {
            dp_packet_delete(xsk->rx_head);
            xsk->rx_head = NULL;
            xsk->rx_skip = true;
            xsk_count(xsk, XSK_RX_DROP_OVERSIZE, 1);
        }
    }
    dp_packet_delete(segment);
    if (!last) {
        return NULL;
    }

    struct dp_packet *packet = xsk->rx_head;
    xsk->rx_head = NULL;
    xsk->rx_skip = false;
    return packet;
}

/* Takes the 'n' frames that 'descs' name from the kernel, and stores their
 * packets in 'packets'; null for what the kernel did not have.  Adds up their
 * bytes in '*n_bytes'.  Returns true if each is all of a packet. */
static __attribute__((noinline)) bool
xsk_take_frames(struct xsk *xsk, const struct xdp_desc *descs, uint32_t n,
                struct dp_packet **packets, uint64_t *n_bytes)
{
    const struct frame_pool *pool = xsk->pool;
    struct dp_packet **all = pool->packets;
    uint16_t *owners = pool->owners;
    uint32_t n_frames = pool->n_frames;
    const char *base = pool->base;
    uint16_t id = xsk->id;
    uint32_t options = 0;
    uint64_t max_end = 0;
    uint64_t size = 0;

    for (uint32_t i = 0; i < n; i++) {
        const struct xdp_desc desc = descs[i];
        uint64_t index = frame_pool_index(desc.addr);
        uint32_t ofs = desc.addr % FRAME_SIZE;

        if (OVS_UNLIKELY(index >= n_frames
                         || !frame_pool_is_owner(owners, index, id))) {
            packets[i] = NULL;
            max_end = UINT64_MAX;
            continue;
        }
        frame_pool_set_owner(owners, index, 0);

        struct dp_packet *packet = all[index];

        /* Another core has just written the packet, and it will be looked
         * at. */
        OVS_PREFETCH(base + desc.addr);
        packets[i] = packet;
        packet->mbuf.ol_flags = RTE_MBUF_F_EXTERNAL;
        packet->mbuf.data_off = ofs;
        packet->mbuf.data_len = desc.len;
        packet->mbuf.pkt_len = desc.len;
        packet->packet_type = htonl(PT_ETH);
        dp_packet_reset_cutlen(packet);
        compat_packet_reset_offloads(packet);
        max_end = MAX(max_end, (uint64_t) ofs + desc.len);
        options |= desc.options;
        size += desc.len;
    }
    *n_bytes += size;
    return max_end <= FRAME_SIZE && !(options & XDP_PKT_CONTD);
}

/* Returns a bit for each of the 'n' packets that 'descs' name, set if its
 * checksum may be partial. */
static __attribute__((noinline)) uint32_t
xsk_find_suspects(const struct xsk *xsk, const struct xdp_desc *descs,
                  uint32_t n)
{
    const char *base = xsk->pool->base;
    uint32_t suspects = 0;

    for (uint32_t i = 0; i < n; i++) {
        if (OVS_UNLIKELY(!partial_csum_is_unlikely(base + descs[i].addr))) {
            suspects |= 1U << i;
        }
    }
    return suspects;
}

/* Examines those packets of 'batch' whose bit is set in 'suspects'.  Returns
 * the number of those whose checksum is partial. */
static unsigned int
xsk_examine_suspects(struct dp_packet_batch *batch, uint32_t suspects)
{
    struct dp_packet *packet;
    unsigned int n = 0;

    DP_PACKET_BATCH_FOR_EACH (i, packet, batch) {
        if (suspects & (1U << i)) {
            n += partial_csum_rx(packet);
        }
    }
    return n;
}

/* Makes packets of the frames in 'batch', which 'descs' have named, where that
 * takes more than a look: leaves out those that are null or said to hold more
 * than they can, applies metadata, joins what spans frames.  Adds up the bytes
 * in '*n_bytes'.  Returns what xsk_find_suspects() does, for the batch as it
 * is then, or 0 if partial checksums are not looked for. */
static uint32_t
xsk_sort_out(struct xsk *xsk, const struct xdp_desc *descs, bool metadata,
             struct dp_packet_batch *batch, uint64_t *n_bytes)
{
    size_t n = dp_packet_batch_size(batch);
    uint32_t suspects = 0;

    compat_batch_clear(batch);
    for (size_t i = 0; i < n; i++) {
        struct dp_packet *packet = batch->packets[i];
        bool more = descs[i].options & XDP_PKT_CONTD;
        bool in_parts = xsk->rx_head || xsk->rx_skip;

        if (!packet
            || packet->mbuf.pkt_len > FRAME_SIZE - packet->mbuf.data_off) {
            xsk_count(xsk, XSK_RX_DROP_BAD_DESC, 1);
            dp_packet_delete(packet);
            if (more || in_parts) {
                dp_packet_delete(xsk->rx_head);
                xsk->rx_head = NULL;
                xsk->rx_skip = more;
            }
            continue;
        }
        if (metadata && !in_parts) {
            xsk_read_rx_meta(xsk, packet);
        }
        if (more || in_parts) {
            packet = xsk_append_segment(xsk, packet, !more);
        }
        if (packet) {
            if (xsk->config.rx_csum_partial
                && !partial_csum_is_unlikely(dp_packet_data(packet))) {
                suspects |= 1U << dp_packet_batch_size(batch);
            }
            *n_bytes += dp_packet_size(packet);
            dp_packet_batch_add(batch, packet);
        }
    }
    return suspects;
}

/* Receives up to a burst of packets into the empty 'batch', for the caller to
 * own.  Polling thread only.  Returns 0, or EAGAIN if there is none. */
int
xsk_recv(struct xsk *xsk, struct dp_packet_batch *batch)
{
    uint32_t idx;
    uint32_t n = xsk_ring_peek(&xsk->rx, &idx);

    if (!n) {
        xsk_refill(xsk);
        if (xsk_ring_prod__needs_wakeup(&xsk->fill)) {
            recvfrom(xsk->fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
        }
        return EAGAIN;
    }

    const struct xdp_desc *descs = xsk_ring_cons__rx_desc(&xsk->rx, idx);
    bool metadata = __atomic_load_n(xsk->config.rx_metadata, __ATOMIC_RELAXED);
    uint32_t suspects = 0;
    uint64_t n_bytes = 0;

    batch->count = n;
    if (OVS_UNLIKELY(!xsk_take_frames(xsk, descs, n, batch->packets, &n_bytes)
                     || metadata || xsk->rx_head || xsk->rx_skip)) {
        n_bytes = 0;
        suspects = xsk_sort_out(xsk, descs, metadata, batch, &n_bytes);
    } else if (xsk->config.rx_csum_partial) {
        suspects = xsk_find_suspects(xsk, descs, n);
    }
    xsk_ring_cons__release(&xsk->rx, n);
    xsk->rx_outstanding -= n;
    xsk_refill(xsk);

    if (suspects) {
        xsk_count(xsk, XSK_RX_CSUM_PARTIAL,
                  xsk_examine_suspects(batch, suspects));
    }
    xsk_count(xsk, XSK_RX_PACKETS, dp_packet_batch_size(batch));
    xsk_count(xsk, XSK_RX_BYTES, n_bytes);
    return dp_packet_batch_is_empty(batch) ? EAGAIN : 0;
}

/* Sending. */

/* Gives the frames of the packets that have been sent back to the pool. */
static void
xsk_reap_completions(struct xsk *xsk)
    OVS_REQUIRES(xsk->tx_lock)
{
    struct frame_pool *pool = xsk->pool;
    struct dp_packet *buffer[NETDEV_MAX_BURST];
    struct dp_packet **all = pool->packets;
    uint16_t *owners = pool->owners;
    uint32_t n_frames = pool->n_frames;
    uint16_t id = xsk->id;
    uint32_t idx, n;

    while ((n = xsk_ring_peek(&xsk->completion, &idx))) {
        const __u64 *addrs = xsk_ring_cons__comp_addr(&xsk->completion, idx);
        struct dp_packet **packets = frame_pool_put_place(pool, buffer, n);
        size_t n_packets = 0;

        for (uint32_t i = 0; i < n; i++) {
            uint64_t index = frame_pool_index(addrs[i]);

            if (OVS_LIKELY(index < n_frames
                           && frame_pool_is_owner(owners, index, id))) {
                frame_pool_set_owner(owners, index, 0);
                packets[n_packets++] = all[index];
            }
        }
        xsk_ring_cons__release(&xsk->completion, n);
        frame_pool_put_in_place(pool, packets, buffer, n_packets);
        xsk->tx_outstanding -= n_packets;
    }
}

/* Makes the kernel send what is in the tx ring.
 *
 * In copy mode each call sends a limited number of packets and then says
 * EAGAIN; ENOBUFS and a second EAGAIN without progress mean that the device
 * takes no more for now.  EBUSY means that the device has dropped a packet,
 * which the kernel shows as progress only once it has sent another.  Other
 * errors mean that the device is down or gone: what is in the ring stays there
 * until something is sent again. */
static void
xsk_kick(struct xsk *xsk)
    OVS_REQUIRES(xsk->tx_lock)
{
    uint32_t last_left = UINT32_MAX;
    bool pending = false;

    while (xsk_ring_prod__needs_wakeup(&xsk->tx)) {
        if (sendto(xsk->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) >= 0) {
            break;
        }

        int error = errno;
        uint32_t consumer = __atomic_load_n(xsk->tx.consumer,
                                            __ATOMIC_ACQUIRE);
        uint32_t left = xsk->tx.cached_prod - consumer;

        if (error == EBUSY) {
            xsk_count(xsk, XSK_TX_DROP_DEVICE, 1);
        } else if (error == EAGAIN) {
            COVERAGE_INC(xsk_tx_again);
        }
        if ((error != EAGAIN && error != EBUSY && error != ENOBUFS) || !left) {
            break;
        } else if (error == ENOBUFS || left == last_left) {
            pending = true;
            break;
        }
        last_left = left;
        xsk_reap_completions(xsk);
    }
    xsk->tx_postponed = 0;
    xsk->tx_polls = 0;
    atomic_store_relaxed(&xsk->tx_pending, pending);
}

/* If Open vSwitch has left the checksum of 'packet' to the device, makes it
 * partial and returns true with '*meta' filled in.  The caller puts that in
 * front of the packet's first frame.  The kernel wants the checksum in there:
 * if it is behind, it is completed, since the packet would stay in the ring
 * forever, and all others with it. */
static inline bool
xsk_tx_metadata(struct xsk *xsk, struct dp_packet *packet,
                struct compat_xsk_tx_metadata *meta)
{
    struct partial_csum pc;
    bool inner;

    if (OVS_LIKELY(!compat_packet_tx_csum_proto(packet, &inner))
        || !xsk->tx_csum || !partial_csum_tx(packet, &pc)) {
        return false;
    }
    if (OVS_UNLIKELY(pc.start + pc.offset + sizeof(ovs_be16)
                     > FRAME_DATA_ROOM)) {
        partial_csum_complete(packet, &pc);
        return false;
    }
    meta->flags = XDP_TXMD_FLAGS_CHECKSUM;
    meta->csum_start = pc.start;
    meta->csum_offset = pc.offset;
    return true;
}

/* What it takes to fill descriptors of a socket's tx ring.  A loop can keep
 * this in registers, while any store might have changed a member of the socket
 * or its pool. */
struct xsk_tx_ring {
    const struct rte_mempool *mp;
    const char *base;
    uint16_t *owners;
    uint16_t id;
    struct xdp_desc *descs;
    uint32_t mask;
};

static inline struct xsk_tx_ring
xsk_tx_ring(const struct xsk *xsk)
    OVS_REQUIRES(xsk->tx_lock)
{
    return (struct xsk_tx_ring) {
        .mp = xsk->pool->mp,
        .base = xsk->pool->base,
        .owners = xsk->pool->owners,
        .id = xsk->id,
        .descs = xsk->tx.ring,
        .mask = xsk->tx.mask,
    };
}

/* Makes 'frame', of 'len' bytes, the descriptor 'desc' of the tx ring, with
 * 'meta' in front of it unless that is null. */
static inline void
xsk_put_frame(const struct xsk_tx_ring *tx, struct xdp_desc *desc,
              const struct dp_packet *frame, uint32_t len, uint32_t options,
              const struct compat_xsk_tx_metadata *meta)
{
    char *data = (char *) frame->mbuf.buf_addr + frame->mbuf.data_off;
    uint64_t addr = data - tx->base;

    if (OVS_UNLIKELY(meta)) {
        memcpy(data - TX_METADATA_LEN, meta, TX_METADATA_LEN);
        options |= XDP_TX_METADATA;
    }
    frame_pool_set_owner(tx->owners, frame_pool_index(addr), tx->id);
    desc->addr = addr;
    desc->len = len;
    desc->options = options;
}

/* Copies 'packet', which lives elsewhere, into as many frames as it takes, and
 * makes these descriptors of the tx ring, from 'idx' on and before 'end'.
 * 'packet' stays the caller's.  Returns the number of frames, 0 if the packet
 * was dropped. */
static __attribute__((noinline)) unsigned int
xsk_put_copy(struct xsk *xsk, const struct xsk_tx_ring *tx, uint32_t idx,
             uint32_t end, struct dp_packet *packet)
    OVS_REQUIRES(xsk->tx_lock)
{
    struct dp_packet *frames[XSK_MAX_SEGS];
    struct compat_xsk_tx_metadata meta;
    const char *data = dp_packet_data(packet);
    size_t size = dp_packet_size(packet);
    unsigned int n = MAX(1, DIV_ROUND_UP(size, FRAME_DATA_ROOM));

    if (n > (xsk->multi_buffer ? XSK_MAX_SEGS : 1)) {
        xsk_count(xsk, XSK_TX_DROP_OVERSIZE, 1);
        return 0;
    } else if (n > end - idx) {
        xsk_count(xsk, XSK_TX_DROP_RING_FULL, 1);
        return 0;
    } else if (!frame_pool_get(xsk->pool, frames, n)) {
        xsk_count(xsk, XSK_TX_DROP_NO_FRAME, 1);
        return 0;
    }

    bool csum = xsk_tx_metadata(xsk, packet, &meta);
    for (unsigned int i = 0; i < n; i++) {
        struct dp_packet *frame = frames[i];
        size_t len = MIN(size, FRAME_DATA_ROOM);

        frame->mbuf.data_off = FRAME_HEADROOM;
        dp_packet_set_size(frame, len);
        memcpy(dp_packet_data(frame), data, len);
        xsk_put_frame(tx, &tx->descs[(idx + i) & tx->mask], frame, len,
                      i + 1 < n ? XDP_PKT_CONTD : 0,
                      csum && !i ? &meta : NULL);
        data += len;
        size -= len;
    }
    xsk_count(xsk, XSK_TX_COPIED, 1);
    xsk_count(xsk, XSK_TX_CSUM_OFFLOADED, csum);
    return n;
}

/* Frames that may wait in the tx ring, less than this. */
static inline uint32_t
postpone_limit(const struct xsk *xsk)
{
    return MIN(TX_BUDGET, xsk->config.n_txq_desc / 2);
}

/* Calls the kernel for the 'n' frames that were just put into the tx ring, or
 * lets them wait for more: if this thread also polls the socket, xsk_poll_tx()
 * will soon see to them.  Few packets do not wait: a thread that has few may
 * go to sleep before it polls again (other_config:pmd-sleep-max). */
static inline void
xsk_kick_or_postpone(struct xsk *xsk, uint32_t n)
    OVS_REQUIRES(xsk->tx_lock)
{
    unsigned int poller;

    if (xsk->tx_postponed && !xsk->tx_polls
        && xsk->tx_postponed + n >= postpone_limit(xsk)) {
        /* None of these frames was followed by a poll.  The poller may have
         * been given other queues; if not, its next poll tells. */
        atomic_store_relaxed(&xsk->poller, OVSTHREAD_ID_UNSET);
    }
    xsk->tx_postponed += n;
    atomic_read_relaxed(&xsk->poller, &poller);
    if (n >= NETDEV_MAX_BURST / 2 && poller == ovsthread_id_self()
        && xsk->tx_postponed < postpone_limit(xsk)) {
        xsk->tx_added = true;
        atomic_store_relaxed(&xsk->tx_pending, true);
    } else {
        xsk_kick(xsk);
    }
}

/* True if 'packet' lives in the socket's frame pool, so that it may go out
 * from where it is.  A frame begins where its packet's buffer does, so
 * 'data_off' is the headroom. */
static inline bool
xsk_is_own(const struct xsk_tx_ring *tx, const struct dp_packet *packet)
{
    return (frame_pool_owns(tx->mp, packet)
            && packet->mbuf.data_off >= TX_METADATA_LEN);
}

/* True if, moreover, 'packet' needs nothing done to it. */
static inline bool
xsk_is_plain(const struct xsk_tx_ring *tx, struct dp_packet *packet)
{
    bool inner;

    return (xsk_is_own(tx, packet)
            && !compat_packet_tx_csum_proto(packet, &inner));
}

/* Makes the first of the 'n' packets at 'packets', up to one that is not
 * plain, descriptors of the tx ring, from 'idx' on, where there is room for
 * 'n', but none beyond the end of the ring's memory.  Returns their number and
 * adds their bytes to '*n_bytes'. */
static __attribute__((noinline)) uint32_t
xsk_put_plain(const struct xsk_tx_ring *tx_, uint32_t idx,
              struct dp_packet **packets, uint32_t n, uint64_t *n_bytes)
{
    const struct xsk_tx_ring tx = *tx_;
    struct xdp_desc *desc = &tx.descs[idx & tx.mask];
    uint64_t size = 0;
    uint32_t i;

    n = MIN(n, tx.mask + 1 - (idx & tx.mask));
    for (i = 0; i < n && OVS_LIKELY(xsk_is_plain(&tx, packets[i])); i++) {
        size += dp_packet_size(packets[i]);
        xsk_put_frame(&tx, desc++, packets[i], dp_packet_size(packets[i]), 0,
                      NULL);
    }
    *n_bytes += size;
    return i;
}

/* Sends the packets of 'batch', which become the socket's whether it can or
 * not.  A packet in the socket's frame pool goes out from where it is.  Any
 * thread. */
void
xsk_send(struct xsk *xsk, struct dp_packet_batch *batch)
{
    struct dp_packet **packets = batch->packets;
    uint32_t n = dp_packet_batch_size(batch);
    uint64_t n_sent = 0;
    uint64_t n_bytes = 0;
    uint64_t n_csum = 0;

    ovs_spin_lock(&xsk->tx_lock);
    xsk_reap_completions(xsk);

    const struct xsk_tx_ring tx = xsk_tx_ring(xsk);
    uint32_t idx = xsk->tx.cached_prod;
    uint32_t end = idx + xsk->config.n_txq_desc - xsk->tx_outstanding;
    for (uint32_t i = 0; i < n; ) {
        struct dp_packet *packet = packets[i];
        uint32_t size = dp_packet_size(packet);
        uint32_t n_descs = 0;

        if (!xsk_is_own(&tx, packet)) {
            n_descs = xsk_put_copy(xsk, &tx, idx, end, packet);
            dp_packet_delete(packet);
        } else if (idx == end) {
            xsk_count(xsk, XSK_TX_DROP_RING_FULL, 1);
            dp_packet_delete(packet);
        } else if (xsk_is_plain(&tx, packet)) {
            uint32_t n_plain = xsk_put_plain(&tx, idx, &packets[i],
                                             MIN(n - i, end - idx), &n_bytes);

            i += n_plain;
            idx += n_plain;
            n_sent += n_plain;
            continue;
        } else {
            struct compat_xsk_tx_metadata meta;
            bool csum = xsk_tx_metadata(xsk, packet, &meta);

            xsk_put_frame(&tx, &tx.descs[idx & tx.mask], packet, size, 0,
                          csum ? &meta : NULL);
            n_csum += csum;
            n_descs = 1;
        }
        i++;
        idx += n_descs;
        if (n_descs) {
            n_sent++;
            n_bytes += size;
        }
    }

    uint32_t n_descs = idx - xsk->tx.cached_prod;

    xsk->tx.cached_prod = idx;
    xsk_ring_prod__submit(&xsk->tx, n_descs);
    xsk->tx_outstanding += n_descs;
    xsk_count(xsk, XSK_TX_PACKETS, n_sent);
    xsk_count(xsk, XSK_TX_BYTES, n_bytes);
    xsk_count(xsk, XSK_TX_CSUM_OFFLOADED, n_csum);
    xsk_kick_or_postpone(xsk, n_descs);
    ovs_spin_unlock(&xsk->tx_lock);

    compat_batch_clear(batch);
}

/* Sends what xsk_send() has left in the tx ring, unless more has come since
 * the last call, in which case that may wait for still more, but not for long.
 * Polling thread only; to be called before each xsk_recv(). */
void
xsk_poll_tx(struct xsk *xsk)
{
    bool pending;

    atomic_store_relaxed(&xsk->poller, ovsthread_id_self());
    atomic_read_relaxed(&xsk->tx_pending, &pending);
    if (pending) {
        ovs_spin_lock(&xsk->tx_lock);
        if (!xsk->tx_added || ++xsk->tx_polls >= TX_POLLS) {
            xsk_reap_completions(xsk);
            xsk_kick(xsk);
        }
        xsk->tx_added = false;
        ovs_spin_unlock(&xsk->tx_lock);
    }
}

/* Sends what xsk_send() has left in the tx ring.  Returns true if the device
 * does not take all of it for now.  Any thread. */
bool
xsk_flush_tx(struct xsk *xsk)
{
    bool pending;

    atomic_read_relaxed(&xsk->tx_pending, &pending);
    if (pending) {
        ovs_spin_lock(&xsk->tx_lock);
        xsk_reap_completions(xsk);
        xsk_kick(xsk);
        ovs_spin_unlock(&xsk->tx_lock);
        atomic_read_relaxed(&xsk->tx_pending, &pending);
    }
    return pending;
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
 * 'ring', and whose frame still belongs to 'xsk'. */
static uint64_t
xsk_count_packets(const struct xsk *xsk, const void *ring, uint32_t mask,
                  uint32_t from, uint32_t to)
{
    const struct xdp_desc *descs = ring;
    uint64_t n = 0;

    for (; from != to; from++) {
        const struct xdp_desc *desc = &descs[from & mask];
        uint64_t index = frame_pool_index(desc->addr);

        n += (!(desc->options & XDP_PKT_CONTD)
              && index < xsk->pool->n_frames
              && frame_pool_owner(xsk->pool->owners, index) == xsk->id);
    }
    return n;
}

/* Counts as dropped what is still in the rings of 'xsk': received, but not
 * read, and to be sent, but not taken by the kernel.  If a port was deleted,
 * only "coverage/show" will tell. */
static void
xsk_count_leftovers(struct xsk *xsk)
{
    uint64_t n_rx = xsk_count_packets(
        xsk, xsk->rx.ring, xsk->rx.mask, xsk->rx.cached_cons,
        __atomic_load_n(xsk->rx.producer, __ATOMIC_ACQUIRE));

    /* The kernel may show only later how much it has taken from the tx ring,
     * if the device has dropped packets.  But their frames have come back. */
    ovs_spin_lock(&xsk->tx_lock);
    uint32_t n_untaken = (xsk->tx.cached_prod
                          - __atomic_load_n(xsk->tx.consumer,
                                            __ATOMIC_ACQUIRE));
    uint64_t n_tx = xsk_count_packets(
        xsk, xsk->tx.ring, xsk->tx.mask,
        xsk->tx.cached_prod - MIN(n_untaken, xsk->tx_outstanding),
        xsk->tx.cached_prod);
    ovs_spin_unlock(&xsk->tx_lock);

    /* The rest of a packet that has been dropped is not another one. */
    n_rx -= n_rx && xsk->rx_skip;

    xsk_count(xsk, XSK_RX_DROP_CLOSED, n_rx);
    xsk_count(xsk, XSK_TX_DROP_CLOSED, n_tx);
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
