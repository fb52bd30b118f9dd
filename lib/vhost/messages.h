/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef VHOST_MESSAGES_H
#define VHOST_MESSAGES_H 1

/* What a guest may say.
 *
 * librte_vhost believes much of what it is told: a ring that was never sized,
 * memory that is not there or a descriptor that blocks can make it crash or
 * hang.  So each message of a guest is looked at before librte_vhost acts on
 * it.  See "Front-end message types" in the vhost-user specification for what
 * each one means. */

#include <stdbool.h>
#include <stdint.h>

/* One for each ring of a guest, two for each queue pair. */
#define VHOST_MAX_RINGS 256

/* What has been said in a connection. */
struct vhost_filter {
    uint64_t offered;           /* Features that the guest may choose from. */
    uint64_t protocol_offered;  /* Protocol features, likewise. */
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
    bool postcopy;              /* Between POSTCOPY_ADVISE and _END. */
    bool wants_ack;             /* The last message asked for an answer that
                                 * says no more than that it was acted on. */
};

/* The protocol features that there is a use for: MQ, LOG_SHMFD, RARP,
 * REPLY_ACK, MTU, BACKEND_REQ, PAGEFAULT, BACKEND_SEND_FD and STATUS. */
#define VHOST_PROTOCOL_FEATURES                                         \
    ((1 << 0) | (1 << 1) | (1 << 2) | (1 << 3) | (1 << 4) | (1 << 5)    \
     | (1 << 8) | (1 << 10) | (1 << 16))

/* The numbers of messages that others look at, too. */
#define VHOST_USER_GET_FEATURES 1
#define VHOST_USER_RESET_OWNER 4
#define VHOST_USER_GET_QUEUE_NUM 17

/* A message as it comes, in the host's byte order.  librte_vhost hands it to
 * the pre_msg_handle callback together with the file descriptors that came
 * with it. */
struct vhost_message {
    uint32_t request;
    uint32_t flags;
    uint32_t size;              /* Of the payload. */
    uint8_t payload[632];
    int fds[8];
    int n_fds;
};

void vhost_filter_init(struct vhost_filter *, uint64_t offered,
                       uint64_t protocol_offered, int max_queue_pairs);
const char *vhost_filter_check(struct vhost_filter *, struct vhost_message *);
void vhost_filter_done(const struct vhost_filter *, struct vhost_message *);
void vhost_message_refuse(struct vhost_message *);

#endif /* vhost/messages.h */
