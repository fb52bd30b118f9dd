/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef TESTS_VHOST_FRONTEND_H
#define TESTS_VHOST_FRONTEND_H 1

/* The guest's side of a vhost-user network device, for the tests: what a
 * virtual machine monitor and the virtio driver in its guest do together.
 *
 * vfe_start() and vfe_stop() do all that is needed, in the usual order.  Each
 * step is also a function of its own, and messages, descriptors and the shared
 * memory are in the open, so that a test can do them wrong.
 *
 * Functions that may fail return 0 or a positive errno value.  ECONNRESET
 * means that the peer has closed the connection, ETIMEDOUT that it did not
 * answer in time.  Nothing here is thread-safe.  On purpose nothing is shared
 * with what is tested. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VFE_MAX_REGIONS 8
#define VFE_MAX_PAIRS 128
#define VFE_MAX_FDS 32              /* With one message. */

/* The largest frame that vfe_tx() takes and vfe_rx() gives, in bytes. */
#define VFE_MAX_FRAME 65550

/* Feature bits of virtio and vhost-user. */
#define VFE_FEATURES                        \
    VFE_FEATURE(0, CSUM)                    \
    VFE_FEATURE(1, GUEST_CSUM)              \
    VFE_FEATURE(2, CTRL_GUEST_OFFLOADS)     \
    VFE_FEATURE(3, MTU)                     \
    VFE_FEATURE(5, MAC)                     \
    VFE_FEATURE(6, GSO)                     \
    VFE_FEATURE(7, GUEST_TSO4)              \
    VFE_FEATURE(8, GUEST_TSO6)              \
    VFE_FEATURE(9, GUEST_ECN)               \
    VFE_FEATURE(10, GUEST_UFO)              \
    VFE_FEATURE(11, HOST_TSO4)              \
    VFE_FEATURE(12, HOST_TSO6)              \
    VFE_FEATURE(13, HOST_ECN)               \
    VFE_FEATURE(14, HOST_UFO)               \
    VFE_FEATURE(15, MRG_RXBUF)              \
    VFE_FEATURE(16, STATUS)                 \
    VFE_FEATURE(17, CTRL_VQ)                \
    VFE_FEATURE(18, CTRL_RX)                \
    VFE_FEATURE(19, CTRL_VLAN)              \
    VFE_FEATURE(21, GUEST_ANNOUNCE)         \
    VFE_FEATURE(22, MQ)                     \
    VFE_FEATURE(23, CTRL_MAC_ADDR)          \
    VFE_FEATURE(24, NOTIFY_ON_EMPTY)        \
    VFE_FEATURE(26, LOG_ALL)                \
    VFE_FEATURE(27, ANY_LAYOUT)             \
    VFE_FEATURE(28, INDIRECT_DESC)          \
    VFE_FEATURE(29, EVENT_IDX)              \
    VFE_FEATURE(30, PROTOCOL_FEATURES)      \
    VFE_FEATURE(32, VERSION_1)              \
    VFE_FEATURE(33, IOMMU_PLATFORM)         \
    VFE_FEATURE(34, RING_PACKED)            \
    VFE_FEATURE(35, IN_ORDER)               \
    VFE_FEATURE(36, ORDER_PLATFORM)

enum vfe_feature {
#define VFE_FEATURE(BIT, NAME) VFE_F_##NAME = BIT,
    VFE_FEATURES
#undef VFE_FEATURE
};

/* Feature bits of the vhost-user protocol. */
#define VFE_PROTOCOL_FEATURES               \
    VFE_FEATURE(0, MQ)                      \
    VFE_FEATURE(1, LOG_SHMFD)               \
    VFE_FEATURE(2, RARP)                    \
    VFE_FEATURE(3, REPLY_ACK)               \
    VFE_FEATURE(4, NET_MTU)                 \
    VFE_FEATURE(5, BACKEND_REQ)             \
    VFE_FEATURE(6, CROSS_ENDIAN)            \
    VFE_FEATURE(7, CRYPTO_SESSION)          \
    VFE_FEATURE(8, PAGEFAULT)               \
    VFE_FEATURE(9, CONFIG)                  \
    VFE_FEATURE(10, BACKEND_SEND_FD)        \
    VFE_FEATURE(11, HOST_NOTIFIER)          \
    VFE_FEATURE(12, INFLIGHT_SHMFD)         \
    VFE_FEATURE(13, RESET_DEVICE)           \
    VFE_FEATURE(14, INBAND_NOTIFICATIONS)   \
    VFE_FEATURE(15, CONFIGURE_MEM_SLOTS)    \
    VFE_FEATURE(16, STATUS)

enum vfe_protocol_feature {
#define VFE_FEATURE(BIT, NAME) VFE_P_##NAME = BIT,
    VFE_PROTOCOL_FEATURES
#undef VFE_FEATURE
};

#define VFE_BIT(X) (UINT64_C(1) << (X))

/* Messages. */

enum vfe_request {
    VFE_GET_FEATURES = 1,
    VFE_SET_FEATURES,
    VFE_SET_OWNER,
    VFE_RESET_OWNER,
    VFE_SET_MEM_TABLE,
    VFE_SET_LOG_BASE,
    VFE_SET_LOG_FD,
    VFE_SET_VRING_NUM,
    VFE_SET_VRING_ADDR,
    VFE_SET_VRING_BASE,
    VFE_GET_VRING_BASE,
    VFE_SET_VRING_KICK,
    VFE_SET_VRING_CALL,
    VFE_SET_VRING_ERR,
    VFE_GET_PROTOCOL_FEATURES,
    VFE_SET_PROTOCOL_FEATURES,
    VFE_GET_QUEUE_NUM,
    VFE_SET_VRING_ENABLE,
    VFE_SEND_RARP,
    VFE_NET_SET_MTU,
    VFE_SET_BACKEND_REQ_FD,
    VFE_IOTLB_MSG,
    VFE_SET_VRING_ENDIAN,
    VFE_GET_CONFIG,
    VFE_SET_CONFIG,
    VFE_POSTCOPY_ADVISE = 28,
    VFE_POSTCOPY_LISTEN,
    VFE_POSTCOPY_END,
    VFE_GET_INFLIGHT_FD,
    VFE_SET_INFLIGHT_FD,
    VFE_SET_STATUS = 39,
    VFE_GET_STATUS,
};

/* vfe_header.flags. */
#define VFE_VERSION 1               /* In bits 0 and 1. */
#define VFE_REPLY (1 << 2)
#define VFE_NEED_REPLY (1 << 3)

/* With SET_VRING_KICK, _CALL and _ERR: no file descriptor comes along. */
#define VFE_NO_FD (1 << 8)

struct vfe_header {
    uint32_t request;
    uint32_t flags;
    uint32_t size;                  /* Of what follows, in bytes. */
};

struct vfe_vring_state {
    uint32_t index;
    uint32_t num;
};

struct vfe_vring_addr {
    uint32_t index;
    uint32_t flags;
    uint64_t desc, used, avail;     /* Addresses in the front-end. */
    uint64_t log;
};

struct vfe_mem_table {
    uint32_t n;
    uint32_t padding;
    struct {
        uint64_t gpa;               /* Guest physical address. */
        uint64_t size;
        uint64_t uva;               /* Address in the front-end. */
        uint64_t offset;            /* In the file. */
    } regions[VFE_MAX_REGIONS];
};

struct vfe_payload {
    union {
        uint64_t u64;
        struct vfe_vring_state state;
        struct vfe_vring_addr addr;
        struct vfe_mem_table mem;
        uint8_t bytes[512];
    };
};

/* Rings.  A virtio device with VERSION_1 is little-endian, an older one has
 * the guest's byte order: here, both are the same. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "written for little-endian machines");

/* Flags of descriptors. */
#define VFE_DESC_NEXT (1 << 0)
#define VFE_DESC_WRITE (1 << 1)         /* The device writes. */
#define VFE_DESC_INDIRECT (1 << 2)
#define VFE_DESC_AVAIL (1 << 7)         /* Packed rings. */
#define VFE_DESC_USED (1 << 15)

/* A descriptor of a split ring. */
struct vfe_desc {
    uint64_t addr;                      /* Guest physical address. */
    uint32_t len;
    uint16_t flags;
    uint16_t next;
};

/* Flags of the split rings below. */
#define VFE_NO_INTERRUPT 1
#define VFE_NO_NOTIFY 1

struct vfe_avail {
    uint16_t flags;
    uint16_t idx;
    uint16_t ring[];                    /* And after it: used_event. */
};

struct vfe_used {
    uint16_t flags;
    uint16_t idx;
    struct {
        uint32_t id;
        uint32_t len;
    } ring[];                           /* And after it: avail_event. */
};

/* A descriptor of a packed ring. */
struct vfe_packed_desc {
    uint64_t addr;
    uint32_t len;
    uint16_t id;
    uint16_t flags;
};

/* Event suppression of packed rings. */
#define VFE_EVENT_ENABLE 0
#define VFE_EVENT_DISABLE 1

struct vfe_event {
    uint16_t desc;
    uint16_t flags;
};

/* The header of a packet; 'num_buffers' is not there in old devices without
 * mergeable buffers. */
struct vfe_net_hdr {
    uint8_t flags;
    uint8_t gso_type;
    uint16_t hdr_len;
    uint16_t gso_size;
    uint16_t csum_start;
    uint16_t csum_offset;
    uint16_t num_buffers;
};

#define VFE_HDR_NEEDS_CSUM 1
#define VFE_HDR_DATA_VALID 2

#define VFE_GSO_NONE 0
#define VFE_GSO_TCPV4 1
#define VFE_GSO_UDP 3
#define VFE_GSO_TCPV6 4
#define VFE_GSO_UDP_L4 5
#define VFE_GSO_ECN 0x80

/* A ring and the buffers that it carries.  'size' of each: descriptor i owns
 * the 'buf_size' bytes at 'bufs' + i * 'buf_size'. */
struct vfe_ring {
    unsigned int index;             /* Even: to the guest; odd: from it. */
    unsigned int size;
    bool packed;

    /* Split rings. */
    struct vfe_desc *desc;
    struct vfe_avail *avail;
    struct vfe_used *used;
    uint16_t avail_idx;             /* What 'avail->idx' will be next. */
    uint16_t used_idx;              /* The next entry of 'used' to read. */

    /* Packed rings.  'avail_idx' and 'used_idx' are places in the ring. */
    struct vfe_packed_desc *packed_desc;
    struct vfe_event *driver_event, *device_event;
    bool avail_wrap, used_wrap;

    int kick_fd, call_fd;
    uint16_t kicked_idx;            /* EVENT_IDX: 'avail_idx' at last. */

    uint8_t *bufs;
    size_t buf_size;
    uint16_t *free;                 /* Descriptors without work: a stack. */
    unsigned int n_free;
    uint16_t *chain_next;           /* The chain that begins with each. */
    uint16_t *chain_len;
};

/* A piece of memory that the peer maps as well. */
struct vfe_region {
    uint64_t gpa;
    uint64_t uva;                   /* What the peer is told. */
    size_t size;
    uint8_t *mem;
    int fd;
    size_t used;                    /* By vfe_alloc(). */
};

/* A device.  The first members are the caller's choice, after vfe_init(). */
struct vfe {
    uint64_t feature_mask;          /* Accept at most these. */
    uint64_t protocol_mask;
    unsigned int n_pairs;           /* Queue pairs. */
    unsigned int ring_size;
    unsigned int n_regions;
    size_t buf_size;                /* Of rings from the guest, and to it if
                                     * buffers can be merged. */
    size_t spare;                   /* Bytes in each region for tests. */
    int timeout_ms;                 /* For anything that the peer does. */

    int fd;                         /* The connection, or -1. */
    const char *step;               /* For messages: what came last. */
    uint64_t features_offered, features;
    uint64_t protocol_offered, protocol;
    uint64_t n_queues_offered;      /* As GET_QUEUE_NUM says. */
    size_t hdr_size;                /* Of packets, 10 or 12 bytes. */

    struct vfe_region regions[VFE_MAX_REGIONS];
    struct vfe_ring *rings;         /* 2 * 'n_pairs'. */
};

/* Returns true if that feature was agreed on. */
static inline bool
vfe_has_feature(const struct vfe *vfe, enum vfe_feature bit)
{
    return vfe->features & VFE_BIT(bit);
}

/* Life. */
void vfe_init(struct vfe *);
void vfe_destroy(struct vfe *);
int vfe_start(struct vfe *);
int vfe_stop(struct vfe *);
int vfe_restart(struct vfe *);

/* Connections. */
int vfe_connect(struct vfe *, const char *path);
int vfe_listen(const char *path, int *listen_fd);
int vfe_accept(struct vfe *, int listen_fd);
void vfe_disconnect(struct vfe *);

/* Messages. */
int vfe_send_raw(struct vfe *, const void *, size_t n, const int *fds,
                 size_t n_fds);
int vfe_send(struct vfe *, uint32_t request, uint32_t flags,
             const void *payload, size_t size, const int *fds, size_t n_fds);
int vfe_recv(struct vfe *, struct vfe_header *, struct vfe_payload *);
int vfe_transact(struct vfe *, uint32_t request, const void *payload,
                 size_t size, struct vfe_payload *answer);
int vfe_command(struct vfe *, uint32_t request, const void *payload,
                size_t size, const int *fds, size_t n_fds);
int vfe_get_u64(struct vfe *, uint32_t request, uint64_t *);
int vfe_set_u64(struct vfe *, uint32_t request, uint64_t);
int vfe_set_state(struct vfe *, uint32_t request, uint32_t index,
                  uint32_t num);
int vfe_sync(struct vfe *);
int vfe_wait_closed(struct vfe *, int timeout_ms);

/* Steps of vfe_start(), in this order. */
int vfe_negotiate(struct vfe *);
int vfe_alloc_memory(struct vfe *);
int vfe_set_mem_table(struct vfe *);
int vfe_set_ring(struct vfe *, struct vfe_ring *);
int vfe_enable_ring(struct vfe *, struct vfe_ring *, bool enable);
void vfe_post_all(struct vfe *, struct vfe_ring *);

/* Memory. */
void *vfe_alloc(struct vfe *, unsigned int region, size_t, size_t align);
uint64_t vfe_gpa(const struct vfe *, const void *);
uint64_t vfe_uva(const struct vfe *, const void *);

/* Packets. */
struct vfe_ring *vfe_rx_ring(struct vfe *, unsigned int pair);
struct vfe_ring *vfe_tx_ring(struct vfe *, unsigned int pair);
int vfe_tx(struct vfe *, struct vfe_ring *, const struct vfe_net_hdr *,
           const void *frame, size_t size);
unsigned int vfe_tx_reclaim(struct vfe *, struct vfe_ring *);
int vfe_tx_drain(struct vfe *, struct vfe_ring *);
int vfe_rx(struct vfe *, struct vfe_ring *, struct vfe_net_hdr *,
           uint8_t frame[VFE_MAX_FRAME], size_t *size);
bool vfe_rx_pending(const struct vfe_ring *);
int vfe_wait(struct vfe *, struct vfe_ring *, int timeout_ms);
int vfe_wait_rx(struct vfe *, int timeout_ms);
void vfe_kick(struct vfe_ring *, bool always);

/* Descriptors as the test wants them. */
void vfe_post_raw(struct vfe *, struct vfe_ring *, const struct vfe_desc *,
                  unsigned int n);

const char *vfe_feature_name(unsigned int bit);
const char *vfe_protocol_feature_name(unsigned int bit);

#endif /* vhost-frontend.h */
