/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* Packets through the rings of a guest's device, split and packed. */

#include "vhost-frontend.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tool.h"

struct vfe_ring *
vfe_rx_ring(struct vfe *vfe, unsigned int pair)
{
    return &vfe->rings[2 * pair];
}

struct vfe_ring *
vfe_tx_ring(struct vfe *vfe, unsigned int pair)
{
    return &vfe->rings[2 * pair + 1];
}

static uint16_t *
used_event(struct vfe_ring *ring)
{
    return &ring->avail->ring[ring->size];
}

static uint16_t
avail_event(struct vfe_ring *ring)
{
    return __atomic_load_n((uint16_t *) &ring->used->ring[ring->size],
                           __ATOMIC_RELAXED);
}

/* Tells the peer that there are new descriptors; with 'always', even if it
 * does not want to know. */
void
vfe_kick(struct vfe_ring *ring, bool always)
{
    uint64_t one = 1;
    bool wanted;

    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (ring->packed) {
        wanted = (__atomic_load_n(&ring->device_event->flags, __ATOMIC_RELAXED)
                  != VFE_EVENT_DISABLE);
    } else {
        wanted = !(__atomic_load_n(&ring->used->flags, __ATOMIC_RELAXED)
                   & VFE_NO_NOTIFY);
    }
    if (wanted || always) {
        ssize_t n = write(ring->kick_fd, &one, sizeof one);

        (void) n;       /* It is full only if nobody reads. */
    }
}

/* The same, as the features agreed on say. */
static void
notify(struct vfe *vfe, struct vfe_ring *ring)
{
    if (vfe_has_feature(vfe, VFE_F_EVENT_IDX) && !ring->packed) {
        __atomic_thread_fence(__ATOMIC_SEQ_CST);

        uint16_t since_event = ring->avail_idx - avail_event(ring) - 1;
        uint16_t since_kick = ring->avail_idx - ring->kicked_idx;

        if (since_event < since_kick) {
            vfe_kick(ring, true);
        }
        ring->kicked_idx = ring->avail_idx;
    } else {
        vfe_kick(ring, false);
    }
}

/* The flags that make a packed descriptor available in this round. */
static uint16_t
avail_flags(const struct vfe_ring *ring)
{
    return ring->avail_wrap ? VFE_DESC_AVAIL : VFE_DESC_USED;
}

static void
packed_advance(uint16_t *idx, bool *wrap, unsigned int n,
               const struct vfe_ring *ring)
{
    *idx += n;
    if (*idx >= ring->size) {
        *idx -= ring->size;
        *wrap = !*wrap;
    }
}

/* Makes the 'n' descriptors at 'descs' available: as one chain, whose links
 * are up to the caller.  In a split ring they are stored in the table from its
 * beginning, and 'next' is an index there; in a packed ring they are stored
 * where the ring is, and 'next' becomes their ID.  Descriptors that vfe_tx()
 * or vfe_rx() has in use are overwritten: they cannot be used on this ring
 * afterwards.  The peer is not told. */
void
vfe_post_raw(struct vfe *vfe, struct vfe_ring *ring,
             const struct vfe_desc *descs, unsigned int n)
{
    (void) vfe;
    if (!ring->packed) {
        assert(n <= ring->size);
        memcpy(ring->desc, descs, n * sizeof *descs);
        ring->avail->ring[ring->avail_idx % ring->size] = 0;
        ring->avail_idx++;
        __atomic_store_n(&ring->avail->idx, ring->avail_idx,
                         __ATOMIC_RELEASE);
        return;
    }

    struct vfe_packed_desc *head = &ring->packed_desc[ring->avail_idx];
    uint16_t head_flags = 0;
    for (unsigned int i = 0; i < n; i++) {
        struct vfe_packed_desc *desc = &ring->packed_desc[ring->avail_idx];
        uint16_t flags = descs[i].flags | avail_flags(ring);

        desc->addr = descs[i].addr;
        desc->len = descs[i].len;
        desc->id = descs[i].next;
        if (!i) {
            head_flags = flags;
        } else {
            desc->flags = flags;
        }
        packed_advance(&ring->avail_idx, &ring->avail_wrap, 1, ring);
    }
    __atomic_store_n(&head->flags, head_flags, __ATOMIC_RELEASE);
}

/* Makes a chain of the 'n' buffers 'ids', of which 'lens' bytes each are
 * used, available. */
static void
post_chain(struct vfe_ring *ring, const uint16_t *ids, const uint32_t *lens,
           unsigned int n, uint16_t flags, uint64_t gpa)
{
    for (unsigned int i = 0; i < n; i++) {
        ring->chain_next[ids[i]] = i + 1 < n ? ids[i + 1] : 0;
    }
    ring->chain_len[ids[0]] = n;

    if (!ring->packed) {
        for (unsigned int i = 0; i < n; i++) {
            struct vfe_desc *desc = &ring->desc[ids[i]];

            desc->addr = gpa + ids[i] * ring->buf_size;
            desc->len = lens[i];
            desc->flags = flags | (i + 1 < n ? VFE_DESC_NEXT : 0);
            desc->next = i + 1 < n ? ids[i + 1] : 0;
        }
        ring->avail->ring[ring->avail_idx % ring->size] = ids[0];
        ring->avail_idx++;
        __atomic_store_n(&ring->avail->idx, ring->avail_idx,
                         __ATOMIC_RELEASE);
        return;
    }

    struct vfe_packed_desc *head = &ring->packed_desc[ring->avail_idx];
    uint16_t head_flags = 0;
    for (unsigned int i = 0; i < n; i++) {
        struct vfe_packed_desc *desc = &ring->packed_desc[ring->avail_idx];
        uint16_t all_flags = (flags | avail_flags(ring)
                              | (i + 1 < n ? VFE_DESC_NEXT : 0));

        desc->addr = gpa + ids[i] * ring->buf_size;
        desc->len = lens[i];
        desc->id = ids[0];
        if (!i) {
            head_flags = all_flags;
        } else {
            desc->flags = all_flags;
        }
        packed_advance(&ring->avail_idx, &ring->avail_wrap, 1, ring);
    }
    __atomic_store_n(&head->flags, head_flags, __ATOMIC_RELEASE);
}

/* Looks at the entry 'k' after the next one that the peer has used, without
 * taking it.  'k' may be other than 0 only if all chains have one
 * descriptor.  Returns false if there is none (yet). */
static bool
peek_used(const struct vfe_ring *ring, unsigned int k, uint32_t *id,
          uint32_t *len)
{
    if (!ring->packed) {
        uint16_t idx = __atomic_load_n(&ring->used->idx, __ATOMIC_ACQUIRE);
        uint16_t place = ring->used_idx + k;

        if (k >= (uint16_t) (idx - ring->used_idx)) {
            return false;
        }
        *id = ring->used->ring[place % ring->size].id;
        *len = ring->used->ring[place % ring->size].len;
        return true;
    }

    uint16_t place = ring->used_idx;
    bool wrap = ring->used_wrap;
    if (k >= ring->size) {
        return false;
    }
    packed_advance(&place, &wrap, k, ring);

    const struct vfe_packed_desc *desc = &ring->packed_desc[place];
    uint16_t flags = __atomic_load_n(&desc->flags, __ATOMIC_ACQUIRE);
    if (!!(flags & VFE_DESC_AVAIL) != wrap
        || !!(flags & VFE_DESC_USED) != wrap) {
        return false;
    }
    *id = desc->id;
    *len = desc->len;
    return true;
}

/* Takes the next used entry, with the chain 'id', away, and gives its buffers
 * to the caller, who puts them into 'ring->free' or to work. */
static void
take_used(struct vfe *vfe, struct vfe_ring *ring, uint32_t id)
{
    if (ring->packed) {
        packed_advance(&ring->used_idx, &ring->used_wrap, ring->chain_len[id],
                       ring);
    } else {
        ring->used_idx++;
        if (vfe_has_feature(vfe, VFE_F_EVENT_IDX)) {
            __atomic_store_n(used_event(ring), ring->used_idx,
                             __ATOMIC_RELAXED);
        }
    }
}

/* Sending. */

/* Takes back what the peer has sent.  Returns the number of packets. */
unsigned int
vfe_tx_reclaim(struct vfe *vfe, struct vfe_ring *ring)
{
    unsigned int n = 0;
    uint32_t id, len;

    while (peek_used(ring, 0, &id, &len)) {
        if (id >= ring->size || !ring->chain_len[id]) {
            break;      /* Nonsense, at which everything stops. */
        }
        take_used(vfe, ring, id);

        unsigned int n_descs = ring->chain_len[id];
        ring->chain_len[id] = 0;
        for (unsigned int i = 0; i < n_descs; i++) {
            uint32_t next = ring->chain_next[id];

            ring->free[ring->n_free++] = id;
            id = next;
        }
        n++;
    }
    return n;
}

/* Waits until the peer has taken all packets. */
int
vfe_tx_drain(struct vfe *vfe, struct vfe_ring *ring)
{
    long long int deadline = now_ms() + vfe->timeout_ms;

    vfe->step = "wait until packets are taken";
    for (;;) {
        vfe_tx_reclaim(vfe, ring);
        if (ring->n_free == ring->size) {
            return 0;
        }

        int error = vfe_wait(vfe, ring, ms_left(deadline));
        if (error) {
            return error;
        }
    }
}

/* Sends the 'size' bytes at 'frame' with the header 'hdr'.  Takes as many
 * descriptors as it needs.  EAGAIN if there are not enough, EMSGSIZE if there
 * never are. */
int
vfe_tx(struct vfe *vfe, struct vfe_ring *ring, const struct vfe_net_hdr *hdr,
       const void *frame_, size_t size)
{
    const uint8_t *frame = frame_;
    size_t hdr_size = vfe->hdr_size;
    uint16_t ids[VFE_MAX_FRAME / 64 + 2];
    uint32_t lens[VFE_MAX_FRAME / 64 + 2];
    unsigned int n = 0;

    /* Old devices want the header in a descriptor of its own. */
    bool hdr_alone = (!vfe_has_feature(vfe, VFE_F_VERSION_1)
                      && !vfe_has_feature(vfe, VFE_F_ANY_LAYOUT));
    size_t n_max = (hdr_size + size) / ring->buf_size + 2;

    if (size > VFE_MAX_FRAME || n_max > ring->size
        || n_max > sizeof ids / sizeof ids[0]) {
        return EMSGSIZE;
    }
    if (ring->n_free < n_max) {
        vfe_tx_reclaim(vfe, ring);
        if (ring->n_free < n_max) {
            return EAGAIN;
        }
    }

    size_t done = 0;
    do {
        uint16_t id = ring->free[--ring->n_free];
        uint8_t *p = ring->bufs + id * ring->buf_size;
        size_t room = ring->buf_size;
        size_t len = 0;

        if (!n) {
            memcpy(p, hdr, hdr_size);
            len = hdr_size;
        }
        if (n || !hdr_alone) {
            size_t chunk = room - len < size - done ? room - len : size - done;

            memcpy(p + len, frame + done, chunk);
            len += chunk;
            done += chunk;
        }
        ids[n] = id;
        lens[n++] = len;
    } while (done < size);

    post_chain(ring, ids, lens, n, 0, vfe_gpa(vfe, ring->bufs));
    notify(vfe, ring);
    return 0;
}

/* Receiving. */

static void
post_rx(struct vfe *vfe, struct vfe_ring *ring, uint16_t id)
{
    uint32_t len = ring->buf_size;

    post_chain(ring, &id, &len, 1, VFE_DESC_WRITE, vfe_gpa(vfe, ring->bufs));
}

/* Gives the peer all the buffers that it does not have, to receive into. */
void
vfe_post_all(struct vfe *vfe, struct vfe_ring *ring)
{
    while (ring->n_free) {
        post_rx(vfe, ring, ring->free[--ring->n_free]);
    }
    notify(vfe, ring);
}

/* Returns true if vfe_rx() has something to do. */
bool
vfe_rx_pending(const struct vfe_ring *ring)
{
    uint32_t id, len;

    return peek_used(ring, 0, &id, &len);
}

/* Receives a packet: '*size' bytes into 'frame', and its header.  The buffers
 * go back to the peer.  EAGAIN if there is no packet; EPROTO if what the peer
 * wrote makes no sense. */
int
vfe_rx(struct vfe *vfe, struct vfe_ring *ring, struct vfe_net_hdr *hdr,
       uint8_t frame[VFE_MAX_FRAME], size_t *size)
{
    unsigned int n_buffers = 1;
    uint32_t id, len;

    *size = 0;
    if (!peek_used(ring, 0, &id, &len)) {
        return EAGAIN;
    }
    if (id >= ring->size || ring->chain_len[id] != 1 || len < vfe->hdr_size) {
        return EPROTO;
    }
    memset(hdr, 0, sizeof *hdr);
    memcpy(hdr, ring->bufs + id * ring->buf_size, vfe->hdr_size);
    if (vfe_has_feature(vfe, VFE_F_MRG_RXBUF)) {
        n_buffers = hdr->num_buffers;
        if (!n_buffers || n_buffers > ring->size) {
            return EPROTO;
        }
        if (!peek_used(ring, n_buffers - 1, &id, &len)) {
            return EAGAIN;
        }
    }

    for (unsigned int i = 0; i < n_buffers; i++) {
        size_t skip = i ? 0 : vfe->hdr_size;

        peek_used(ring, 0, &id, &len);
        if (id >= ring->size || ring->chain_len[id] != 1
            || len > ring->buf_size || len - skip > VFE_MAX_FRAME - *size) {
            return EPROTO;
        }
        memcpy(frame + *size, ring->bufs + id * ring->buf_size + skip,
               len - skip);
        *size += len - skip;
        take_used(vfe, ring, id);
        post_rx(vfe, ring, id);
    }
    notify(vfe, ring);
    return 0;
}

/* Waits for one of 'n' rings; see below. */
static int
wait_rings(struct vfe *vfe, struct vfe_ring *rings[], unsigned int n,
           int timeout_ms)
{
    struct pollfd pfds[VFE_MAX_PAIRS + 1];
    uint64_t count;
    char byte;

    assert(n <= VFE_MAX_PAIRS);

    /* The caller may have looked before the peer knew that we want to hear of
     * it. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    for (unsigned int i = 0; i < n; i++) {
        if (vfe_rx_pending(rings[i])) {
            return 0;
        }
        pfds[i] = (struct pollfd) { .fd = rings[i]->call_fd,
                                    .events = POLLIN };
    }
    pfds[n] = (struct pollfd) { .fd = vfe->fd, .events = POLLIN };
    if (poll(pfds, n + 1, timeout_ms) <= 0) {
        return ETIMEDOUT;
    }
    if (pfds[n].revents) {
        return (recv(vfe->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0
                ? ECONNRESET : EPROTO);
    }
    for (unsigned int i = 0; i < n; i++) {
        if (pfds[i].revents) {
            ssize_t size = read(pfds[i].fd, &count, sizeof count);

            (void) size;
        }
    }
    return 0;
}

/* Waits until the peer has used something in 'ring', which the caller has
 * found empty.  May return too early. */
int
vfe_wait(struct vfe *vfe, struct vfe_ring *ring, int timeout_ms)
{
    return wait_rings(vfe, &ring, 1, timeout_ms);
}

/* The same for all rings to the guest. */
int
vfe_wait_rx(struct vfe *vfe, int timeout_ms)
{
    struct vfe_ring *rings[VFE_MAX_PAIRS];

    for (unsigned int i = 0; i < vfe->n_pairs; i++) {
        rings[i] = vfe_rx_ring(vfe, i);
    }
    return wait_rings(vfe, rings, vfe->n_pairs, timeout_ms);
}
