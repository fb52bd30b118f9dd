/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

#include "vhost/messages.h"

#include <string.h>

#include "util.h"

/* In the payload of SET_VRING_KICK, _CALL and _ERR: no descriptor. */
#define NO_FD (1 << 8)

/* The largest virtqueue; see "Virtqueues" in the virtio specification. */
#define MAX_RING_SIZE 32768

/* Bits of virtio and vhost-user features. */
#define F_EVENT_IDX 29
#define F_ACCESS_PLATFORM 33
#define F_RING_PACKED 34

enum {
    PROTOCOL_F_LOG_SHMFD = 1,
    PROTOCOL_F_RARP = 2,
    PROTOCOL_F_REPLY_ACK = 3,
    PROTOCOL_F_MTU = 4,
    PROTOCOL_F_BACKEND_REQ = 5,
    PROTOCOL_F_PAGEFAULT = 8,
    PROTOCOL_F_STATUS = 16,
};

enum {
    GET_FEATURES = 1,
    SET_FEATURES = 2,
    SET_OWNER = 3,
    RESET_OWNER = 4,
    SET_MEM_TABLE = 5,
    SET_LOG_BASE = 6,
    SET_LOG_FD = 7,
    SET_VRING_NUM = 8,
    SET_VRING_ADDR = 9,
    SET_VRING_BASE = 10,
    GET_VRING_BASE = 11,
    SET_VRING_KICK = 12,
    SET_VRING_CALL = 13,
    SET_VRING_ERR = 14,
    GET_PROTOCOL_FEATURES = 15,
    SET_PROTOCOL_FEATURES = 16,
    GET_QUEUE_NUM = 17,
    SET_VRING_ENABLE = 18,
    SEND_RARP = 19,
    NET_SET_MTU = 20,
    SET_BACKEND_REQ_FD = VHOST_USER_SET_BACKEND_REQ_FD,
    IOTLB_MSG = 22,
    POSTCOPY_ADVISE = 28,
    POSTCOPY_LISTEN = 29,
    POSTCOPY_END = 30,
    SET_STATUS = 39,
    GET_STATUS = 40,
    N_REQUESTS
};

/* The messages that there is a use for.  All others are refused: crash
 * recovery (GET_INFLIGHT_FD) and device configuration are never offered. */
static const struct {
    bool known;
    uint8_t size;               /* Smallest payload, in bytes. */
    uint8_t max_fds;
    int8_t feature;             /* If positive, a feature that it needs... */
    int8_t protocol_feature;    /* ...and a protocol feature. */
    enum vhost_action action;
} requests[N_REQUESTS] = {
    [GET_FEATURES] = { true, 0, 0, 0, 0, VHOST_ANSWER },
    [SET_FEATURES] = { true, 8, 0, 0, 0, VHOST_PASS },
    [SET_OWNER] = { true, 0, 0, 0, 0, VHOST_PASS },
    [RESET_OWNER] = { true, 0, 0, 0, 0, VHOST_ACCEPT },
    [SET_MEM_TABLE] = { true, 40, VHOST_MAX_REGIONS, 0, 0, VHOST_PASS },
    [SET_LOG_BASE] = { true, 16, 1, 0, PROTOCOL_F_LOG_SHMFD, VHOST_ASK },
    [SET_LOG_FD] = { true, 0, 1, 0, 0, VHOST_PASS },
    [SET_VRING_NUM] = { true, 8, 0, 0, 0, VHOST_PASS },
    [SET_VRING_ADDR] = { true, 40, 0, 0, 0, VHOST_PASS },
    [SET_VRING_BASE] = { true, 8, 0, 0, 0, VHOST_PASS },
    [GET_VRING_BASE] = { true, 8, 0, 0, 0, VHOST_ASK },
    [SET_VRING_KICK] = { true, 8, 1, 0, 0, VHOST_PASS },
    [SET_VRING_CALL] = { true, 8, 1, 0, 0, VHOST_PASS },
    [SET_VRING_ERR] = { true, 8, 1, 0, 0, VHOST_PASS },
    [GET_PROTOCOL_FEATURES] = { true, 0, 0, 0, 0, VHOST_ANSWER },
    [SET_PROTOCOL_FEATURES] = { true, 8, 0, 0, 0, VHOST_PASS },
    [GET_QUEUE_NUM] = { true, 0, 0, 0, 0, VHOST_ANSWER },
    [SET_VRING_ENABLE] = { true, 8, 0, 0, 0, VHOST_PASS },
    [SEND_RARP] = { true, 8, 0, 0, PROTOCOL_F_RARP, VHOST_PASS },
    [NET_SET_MTU] = { true, 8, 0, 0, PROTOCOL_F_MTU, VHOST_PASS },
    [SET_BACKEND_REQ_FD] = { true, 0, 1, 0, PROTOCOL_F_BACKEND_REQ,
        VHOST_PASS },
    [IOTLB_MSG] = { true, 32, 0, F_ACCESS_PLATFORM, 0, VHOST_PASS },
    [POSTCOPY_ADVISE] = { true, 0, 0, 0, PROTOCOL_F_PAGEFAULT, VHOST_ASK },
    [POSTCOPY_LISTEN] = { true, 0, 0, 0, PROTOCOL_F_PAGEFAULT, VHOST_PASS },
    [POSTCOPY_END] = { true, 0, 0, 0, PROTOCOL_F_PAGEFAULT, VHOST_ASK },
    [SET_STATUS] = { true, 8, 0, 0, PROTOCOL_F_STATUS, VHOST_PASS },
    [GET_STATUS] = { true, 0, 0, 0, PROTOCOL_F_STATUS, VHOST_ASK },
};

/* Payloads. */

struct ring_state {
    uint32_t index;
    uint32_t num;
};

struct memory_region {
    uint64_t guest_addr;
    uint64_t size;
    uint64_t user_addr;
    uint64_t offset;            /* In the file. */
};

struct memory_table {
    uint32_t n_regions;
    uint32_t padding;
    struct memory_region regions[VHOST_MAX_REGIONS];
};

struct log_base {
    uint64_t size;
    uint64_t offset;
};

static bool
has_bit(uint64_t bits, int bit)
{
    return bits & (UINT64_C(1) << bit);
}

/* Checks 'message', which describes the guest's memory, and notes it. */
static const char *
check_memory(struct vhost_messages *said, const struct vhost_message *message,
             size_t n_fds, struct vhost_todo *todo)
{
    struct memory_table table;
    uint64_t size = 0;

    memcpy(&table, message->payload, sizeof table);
    if (!table.n_regions || table.n_regions > VHOST_MAX_REGIONS
        || (message->header.size
            < 8 + table.n_regions * sizeof table.regions[0])) {
        return "its number of memory regions is not valid";
    }
    if (n_fds != table.n_regions) {
        return "it has not one descriptor for each memory region";
    }
    for (uint32_t i = 0; i < table.n_regions; i++) {
        const struct memory_region *r = &table.regions[i];

        if (!r->size || r->guest_addr + r->size < r->size
            || r->user_addr + r->size < r->size) {
            return "a memory region is empty or wraps around";
        }
        for (uint32_t j = 0; j < i; j++) {
            const struct memory_region *q = &table.regions[j];

            if (r->guest_addr < q->guest_addr + q->size
                && q->guest_addr < r->guest_addr + r->size) {
                return "memory regions overlap";
            }
        }
        todo->maps[i].offset = r->offset;
        todo->maps[i].size = r->size;
        size += r->size;
    }
    todo->n_maps = table.n_regions;
    todo->unmapped = "a memory region cannot be mapped";
    if (said->postcopy_listen) {
        todo->action = VHOST_ASK_TABLE;
        said->table_unconfirmed = true;
    }
    said->n_regions = table.n_regions;
    said->memory_size = size;
    return NULL;
}

static const char *
check_ring_size(const struct vhost_messages *said, uint32_t size)
{
    if (!size || size > MAX_RING_SIZE
        || (!has_bit(said->features, F_RING_PACKED) && !IS_POW2(size))) {
        return "the size of the ring is not valid";
    }
    return NULL;
}

/* Checks 'message', about ring 'state->index', and notes what it does. */
static const char *
check_ring(struct vhost_messages *said, const struct vhost_message *message,
           size_t n_fds, const struct ring_state *state)
{
    uint32_t request = message->header.request;
    const char *reason = NULL;
    uint32_t ring = state->index;
    bool has_fd = (request == SET_VRING_KICK || request == SET_VRING_CALL
                   || request == SET_VRING_ERR);

    if (has_fd) {
        ring &= NO_FD - 1;
    }
    if (ring >= said->n_rings) {
        return "there is no such ring";
    }
    if (has_fd && n_fds != !(state->index & NO_FD)) {
        return "it has not the descriptors that it speaks of";
    }

    switch (request) {
    case SET_VRING_NUM:
        reason = check_ring_size(said, state->num);
        if (!reason && (said->started[ring] || said->addressed[ring])) {
            /* librte_vhost looks but once whether all of it is in memory. */
            reason = "the ring is in use";
        }
        if (!reason) {
            said->sizes[ring] = state->num;
        }
        break;

    case SET_VRING_ADDR:
        if (!said->sizes[ring]) {
            reason = "the ring has no size";
        }
        said->addressed[ring] |= !reason;
        break;

    case SET_VRING_BASE:
        if (said->started[ring]) {
            reason = "the ring is in use";
        } else {
            /* The upper bit is the wrap counter of a packed ring. */
            said->bases[ring] = (has_bit(said->features, F_RING_PACKED)
                                 ? state->num & 0x7fff : state->num);
        }
        break;

    case SET_VRING_KICK:
        if (!said->sizes[ring]) {
            reason = "the ring has no size";
        } else if (has_bit(said->features, F_RING_PACKED)
                   && said->bases[ring] >= said->sizes[ring]) {
            /* That of a split ring counts on, and librte_vhost takes it modulo
             * the size. */
            reason = "the ring starts beyond its end";
        }
        said->started[ring] |= !reason;
        break;

    case GET_VRING_BASE:
        if (said->started[ring]) {
            said->bases[ring] = said->sizes[ring] - 1;
        }
        said->sizes[ring] = 0;
        said->addressed[ring] = false;
        said->started[ring] = false;
        break;
    }
    return reason;
}

static const char *
check_log(const struct vhost_message *message, size_t n_fds,
          struct vhost_todo *todo)
{
    struct log_base log;

    memcpy(&log, message->payload, sizeof log);

    /* librte_vhost adds the offset twice. */
    if (log.offset) {
        return "the log does not start at the start of its file";
    }
    if (n_fds != 1) {
        return "it has no descriptor for the log";
    }
    todo->n_maps = 1;
    todo->unmapped = "the log cannot be mapped";
    todo->maps[0].size = log.size;
    return NULL;
}

/* Starts 'said' for a connection in which the features 'offered', the
 * protocol features 'protocol_offered' and 'max_queue_pairs' are offered. */
void
vhost_messages_init(struct vhost_messages *said, uint64_t offered,
                    uint64_t protocol_offered, int max_queue_pairs)
{
    memset(said, 0, sizeof *said);
    said->offered = offered;
    said->protocol_offered = protocol_offered;
    said->max_queue_pairs = max_queue_pairs;

    /* One more is for a control queue.  It is never served, but some front
     * ends set it up. */
    said->n_rings = MIN(2 * max_queue_pairs + 1, VHOST_MAX_RINGS);
}

static bool
is_any_ring_sized(const struct vhost_messages *said)
{
    for (int i = 0; i < VHOST_MAX_RINGS; i++) {
        if (said->sizes[i]) {
            return true;
        }
    }
    return false;
}

/* Checks 'header', of the next message in the connection of 'said', with
 * which 'n_fds' descriptors have come so far.  Returns null if the rest of it
 * may follow, otherwise what is wrong, a constant string. */
const char *
vhost_messages_check_header(const struct vhost_messages *said,
                            const struct vhost_header *header, size_t n_fds)
{
    uint32_t request = header->request;

    if (request >= N_REQUESTS || !requests[request].known) {
        return "there is no use for it";
    }
    if (said->table_unconfirmed) {
        return (request != SET_MEM_TABLE || header->size != sizeof(uint64_t)
                || n_fds ? "the last memory table is not confirmed" : NULL);
    }
    if (header->size < requests[request].size
        || header->size > VHOST_MAX_PAYLOAD) {
        return "its size is not valid";
    }
    if (n_fds > requests[request].max_fds) {
        return "it has too many descriptors";
    }
    if ((requests[request].feature
         && !has_bit(said->features, requests[request].feature))
        || (requests[request].protocol_feature
            && !has_bit(said->protocol_features,
                        requests[request].protocol_feature))) {
        return "its use has not been negotiated";
    }
    return NULL;
}

static const char *
check_features(struct vhost_messages *said, uint64_t features)
{
    if (features & ~said->offered) {
        return "it has features that were not offered";
    }

    /* librte_vhost has allocated memory for the rings by then, and knows where
     * their parts end. */
    uint64_t changed = features ^ said->features;
    if ((has_bit(changed, F_RING_PACKED) || has_bit(changed, F_EVENT_IDX))
        && is_any_ring_sized(said)) {
        return "the kind of the rings cannot change any more";
    }
    said->features = features;
    return NULL;
}

/* Does as vhost_messages_check() for a message whose header is right. */
static const char *
check_payload(struct vhost_messages *said, const struct vhost_message *message,
              size_t n_fds, struct vhost_todo *todo)
{
    struct ring_state state;
    uint64_t u64;

    memcpy(&u64, message->payload, sizeof u64);
    memcpy(&state, message->payload, sizeof state);
    switch (message->header.request) {
    case GET_FEATURES:
        todo->value = said->offered;
        break;

    case GET_PROTOCOL_FEATURES:
        todo->value = said->protocol_offered;
        break;

    case GET_QUEUE_NUM:
        todo->value = said->max_queue_pairs;
        break;

    case SET_FEATURES:
        return check_features(said, u64);

    case SET_PROTOCOL_FEATURES:
        if (u64 & ~said->protocol_offered) {
            return "it has protocol features that were not offered";
        }
        said->protocol_features = u64;
        break;

    case SET_MEM_TABLE:
        return check_memory(said, message, n_fds, todo);

    case SET_LOG_BASE:
        return check_log(message, n_fds, todo);

    case SET_VRING_NUM:
    case SET_VRING_ADDR:
    case SET_VRING_BASE:
    case GET_VRING_BASE:
    case SET_VRING_KICK:
    case SET_VRING_CALL:
    case SET_VRING_ERR:
    case SET_VRING_ENABLE:
        return check_ring(said, message, n_fds, &state);

    case SET_BACKEND_REQ_FD:
        if (n_fds != 1) {
            return "it has not the descriptor that it speaks of";
        }
        break;

    case POSTCOPY_ADVISE:
        /* librte_vhost would lose its userfaultfd. */
        if (said->postcopy) {
            return "a post-copy migration has begun";
        }
        said->postcopy = true;
        break;

    case POSTCOPY_LISTEN:
        said->postcopy_listen = true;
        break;

    case POSTCOPY_END:
        said->postcopy = said->postcopy_listen = false;
        break;
    }
    return NULL;
}

/* Checks 'message', the next in the connection of 'said', with which 'n_fds'
 * descriptors have come, and notes what it says.  Its payload is there in
 * full.  Returns null and fills in '*todo' if it is accepted, otherwise what
 * is wrong, a constant string; then the connection is to end. */
const char *
vhost_messages_check(struct vhost_messages *said,
                     const struct vhost_message *message, size_t n_fds,
                     struct vhost_todo *todo)
{
    const char *reason = vhost_messages_check_header(said, &message->header,
                                                     n_fds);

    memset(todo, 0, sizeof *todo);
    if (reason) {
        return reason;
    }
    if (said->table_unconfirmed) {
        said->table_unconfirmed = false;
        todo->action = VHOST_ACCEPT;
    } else {
        todo->action = requests[message->header.request].action;
        reason = check_payload(said, message, n_fds, todo);
    }
    todo->ack = ((todo->action == VHOST_PASS || todo->action == VHOST_ACCEPT)
                 && message->header.flags & VHOST_FLAG_NEED_REPLY
                 && has_bit(said->protocol_features, PROTOCOL_F_REPLY_ACK));
    return reason;
}

/* Checks 'message', a request of librte_vhost to the guest.  It has but one:
 * to be told of a translation that is missing.  Returns null or what is
 * wrong, a constant string. */
const char *
vhost_messages_check_backend_request(const struct vhost_message *message,
                                     size_t n_fds)
{
    const uint32_t iotlb_msg = 1;
    const uint32_t iotlb_size = 32;

    return (message->header.request != iotlb_msg
            || message->header.size != iotlb_size || n_fds
            ? "it is not one of those that are known" : NULL);
}
