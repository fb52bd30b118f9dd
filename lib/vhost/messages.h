/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef VHOST_MESSAGES_H
#define VHOST_MESSAGES_H 1

/* What a guest may say.
 *
 * librte_vhost believes much of what it is told: a ring that was never sized,
 * memory that is not there or a descriptor that blocks can make it crash or
 * hang.  So each message of a guest is looked at before librte_vhost gets it.
 * See "Front-end message types" in the vhost-user specification for what each
 * one means.
 *
 * All here is a function of the message, as it is on the wire, and of what was
 * said before in the same connection.  It makes no system call: what has to be
 * asked of a descriptor that came with a message is left to the caller, see
 * "struct vhost_todo" and lib/vhost/descriptors.h. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One for each ring of a guest, two for each queue pair. */
#define VHOST_MAX_RINGS 256

/* Regions of memory, each with a descriptor, in one SET_MEM_TABLE. */
#define VHOST_MAX_REGIONS 8

/* The most descriptors that a message may have. */
#define VHOST_MAX_FDS VHOST_MAX_REGIONS

/* The largest payload of the specification's, in bytes, but for those of
 * messages that are not accepted: the memory table. */
#define VHOST_MAX_PAYLOAD (8 + 32 * VHOST_MAX_REGIONS)

/* Flags of a message: the protocol's version; it is an answer; its sender
 * waits for one, if PROTOCOL_F_REPLY_ACK has been negotiated. */
#define VHOST_FLAG_VERSION (1 << 0)
#define VHOST_FLAG_REPLY (1 << 2)
#define VHOST_FLAG_NEED_REPLY (1 << 3)

/* Messages of which others must know. */
#define VHOST_USER_SET_BACKEND_REQ_FD 21

/* The protocol features that there is a use for: MQ, LOG_SHMFD, RARP,
 * REPLY_ACK, MTU, BACKEND_REQ, PAGEFAULT, BACKEND_SEND_FD and STATUS. */
#define VHOST_PROTOCOL_FEATURES                                         \
    ((1 << 0) | (1 << 1) | (1 << 2) | (1 << 3) | (1 << 4) | (1 << 5)    \
     | (1 << 8) | (1 << 10) | (1 << 16))

/* A message on the wire, in the host's byte order. */
struct vhost_header {
    uint32_t request;
    uint32_t flags;
    uint32_t size;              /* Of the payload that follows. */
};

struct vhost_message {
    struct vhost_header header;
    uint8_t payload[VHOST_MAX_PAYLOAD];
};

/* What has been said in a connection. */
struct vhost_messages {
    uint64_t offered;           /* Features that the guest may choose from. */
    uint64_t protocol_offered;  /* Protocol features, likewise. */
    uint64_t max_queue_pairs;
    uint64_t features;          /* Of SET_FEATURES. */
    uint64_t protocol_features; /* Of SET_PROTOCOL_FEATURES. */
    uint32_t n_regions;         /* Of SET_MEM_TABLE. */
    uint64_t memory_size;       /* Bytes in these. */
    uint32_t n_rings;           /* That the guest may speak of. */
    uint16_t sizes[VHOST_MAX_RINGS];    /* Of SET_VRING_NUM since the ring
                                         * stopped, or 0. */
    uint16_t bases[VHOST_MAX_RINGS];    /* The highest index at which it may
                                         * start. */
    bool addressed[VHOST_MAX_RINGS];    /* SET_VRING_ADDR since it stopped. */
    bool started[VHOST_MAX_RINGS];      /* SET_VRING_KICK since then. */
    bool postcopy;              /* Between POSTCOPY_ADVISE and _END... */
    bool postcopy_listen;       /* ...and between POSTCOPY_LISTEN and _END. */
    bool table_unconfirmed;     /* The last message was a SET_MEM_TABLE whose
                                 * answer the guest has to confirm. */
};

/* What to do with a message that is accepted. */
enum vhost_action {
    VHOST_PASS,                 /* Goes to librte_vhost, which says no more
                                 * than whether it has acted on it. */
    VHOST_ASK,                  /* The same, and its answer to the guest. */
    VHOST_ASK_TABLE,            /* The same, and librte_vhost waits for an
                                 * empty SET_MEM_TABLE that confirms it. */
    VHOST_ANSWER,               /* The answer is 'value'.  It does not go to
                                 * librte_vhost. */
    VHOST_ACCEPT,               /* Nothing at all. */
};

struct vhost_todo {
    enum vhost_action action;
    uint64_t value;
    bool ack;                   /* The guest wants to know when it is done. */

    /* The first 'n_maps' descriptors must be files in which all of these bytes
     * can be mapped.  The others must never let us wait. */
    size_t n_maps;
    const char *unmapped;       /* What is wrong otherwise. */
    struct {
        uint64_t offset;
        uint64_t size;
    } maps[VHOST_MAX_REGIONS];
};

void vhost_messages_init(struct vhost_messages *, uint64_t offered,
                         uint64_t protocol_offered, int max_queue_pairs);
const char *vhost_messages_check_header(const struct vhost_messages *,
                                        const struct vhost_header *,
                                        size_t n_fds);
const char *vhost_messages_check(struct vhost_messages *,
                                 const struct vhost_message *, size_t n_fds,
                                 struct vhost_todo *);
const char *vhost_messages_check_backend_request(const struct vhost_message *,
                                                 size_t n_fds);

#endif /* vhost/messages.h */
