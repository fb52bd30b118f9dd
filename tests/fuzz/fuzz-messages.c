/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* A fuzzer for lib/vhost/messages.c: what a guest may say.
 *
 * An input is what a guest is offered, and then messages of one connection;
 * see take_message().  What comes out is compared with a model that knows of
 * each ring just whether it has a size, addresses, and runs, and of the memory
 * what its regions are.  It shares no code with messages.c.
 *
 * With clang, it is a libFuzzer program:
 *
 *     fuzz-messages -max_total_time=60 CORPUS-FOLDER
 *
 * Otherwise, fuzz-driver.c takes its place.
 *
 * A message has memory of its own, so that AddressSanitizer notices who reads
 * beyond it. */

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"
#include "vhost/messages.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BIT(N) (UINT64_C(1) << (N))

/* Messages by their numbers in the vhost-user specification: those that are
 * known to us, and of these those that come with descriptors. */
#define KNOWN                                                               \
    (0x7ffffe | BIT(28) | BIT(29) | BIT(30) | BIT(39) | BIT(40))
#define WITH_FDS                                                            \
    (BIT(5) | BIT(6) | BIT(7) | BIT(12) | BIT(13) | BIT(14) | BIT(21))
#define ABOUT_A_RING                                                        \
    (BIT(8) | BIT(9) | BIT(10) | BIT(11) | BIT(12) | BIT(13) | BIT(14)      \
     | BIT(18))
#define QUESTIONS (BIT(1) | BIT(15) | BIT(17))

enum { SET_FEATURES = 2, SET_OWNER, RESET_OWNER, SET_MEM_TABLE, SET_LOG_BASE,
       SET_VRING_NUM = 8, SET_VRING_ADDR, SET_VRING_BASE, GET_VRING_BASE,
       SET_VRING_KICK, SET_VRING_CALL, SET_VRING_ERR,
       SET_PROTOCOL_FEATURES = 16, POSTCOPY_LISTEN = 29, POSTCOPY_END = 30 };

#define F_PACKED BIT(34)
#define F_IOMMU BIT(33)
#define P_LOG BIT(1)
#define P_RARP BIT(2)
#define P_ACK BIT(3)
#define P_MTU BIT(4)
#define P_REQ BIT(5)
#define P_PAGEFAULT BIT(8)
#define P_STATUS BIT(16)

/* Reading an input.  What is not there is 0. */
struct input {
    const uint8_t *data;
    size_t size;
};

static uint64_t
take(struct input *in, size_t n)
{
    uint64_t x = 0;

    for (size_t i = 0; i < n && in->size; i++) {
        x |= (uint64_t) *in->data++ << (8 * i);
        in->size--;
    }
    return x;
}

/* The model. */
struct ring {
    bool sized, addressed, runs;
};

struct model {
    uint64_t offered, protocol_offered;
    uint64_t features, protocol;
    unsigned int n_pairs;
    struct ring rings[256];
    bool listens;               /* For page faults of post-copy. */
    bool unconfirmed;
};

static void
fail(const struct vhost_message *m, size_t n_fds, const char *reason,
     const char *what)
{
    fprintf(stderr, "%s\nrequest %"PRIu32", flags %#"PRIx32", size %"PRIu32
            ", %zu descriptors, %s\n", what, m->header.request,
            m->header.flags, m->header.size, n_fds,
            reason ? reason : "accepted");
    abort();
}

static uint32_t
get32(const struct vhost_message *m, size_t ofs)
{
    uint32_t x;

    memcpy(&x, m->payload + ofs, sizeof x);
    return x;
}

static uint64_t
get64(const struct vhost_message *m, size_t ofs)
{
    return get32(m, ofs) | (uint64_t) get32(m, ofs + 4) << 32;
}

/* What must have been negotiated for message 'request'; null if it has. */
static const char *
not_negotiated(const struct model *model, uint32_t request)
{
    static const struct {
        uint32_t request;
        uint64_t feature, protocol;
    } needs[] = {
        { SET_LOG_BASE, 0, P_LOG }, { 19, 0, P_RARP }, { 20, 0, P_MTU },
        { 21, 0, P_REQ }, { 22, F_IOMMU, 0 }, { 28, 0, P_PAGEFAULT },
        { POSTCOPY_LISTEN, 0, P_PAGEFAULT }, { POSTCOPY_END, 0, P_PAGEFAULT },
        { 39, 0, P_STATUS }, { 40, 0, P_STATUS },
    };

    for (size_t i = 0; i < ARRAY_SIZE(needs); i++) {
        if (needs[i].request == request
            && ((needs[i].feature & ~model->features)
                || (needs[i].protocol & ~model->protocol))) {
            return "accepted without having been negotiated";
        }
    }
    return NULL;
}

/* Regions of memory must not be empty, wrap around, or have the same address
 * of the guest; this adds without overflow. */
static const char *
bad_memory(const struct vhost_message *m, size_t n_fds,
           const struct vhost_todo *todo)
{
    uint32_t n = get32(m, 0);

    if (n < 1 || n > 8 || n_fds != n || todo->n_maps != n
        || m->header.size < 8 + 32 * n) {
        return "accepted with a wrong number of regions";
    }
    for (uint32_t i = 0; i < n; i++) {
        unsigned __int128 start = get64(m, 8 + 32 * i);
        unsigned __int128 size = get64(m, 16 + 32 * i);
        unsigned __int128 user = get64(m, 24 + 32 * i);

        if (!size || (start + size) >> 64 || (user + size) >> 64) {
            return "accepted with a bad region";
        }
        if (todo->maps[i].size != size
            || todo->maps[i].offset != get64(m, 32 + 32 * i)) {
            return "another region is to be mapped";
        }
        for (uint32_t j = 0; j < i; j++) {
            unsigned __int128 other = get64(m, 8 + 32 * j);
            unsigned __int128 other_size = get64(m, 16 + 32 * j);

            if (start < other + other_size && other < start + size) {
                return "accepted with regions that overlap";
            }
        }
    }
    return NULL;
}

/* Follows a message about a ring that was accepted.  Returns what is wrong
 * with that, or null. */
static const char *
follow_ring(struct model *model, const struct vhost_message *m, size_t n_fds)
{
    uint32_t request = m->header.request;
    bool with_fd = request >= SET_VRING_KICK && request <= SET_VRING_ERR;
    uint32_t index = get32(m, 0);
    uint32_t number = with_fd ? index & 0xff : index;
    uint32_t value = get32(m, 4);

    if (number >= 256 || number > 2 * model->n_pairs) {
        return "accepted for a ring that there is not";
    }
    if (with_fd && n_fds != (index & 0x100 ? 0 : 1)) {
        return "accepted with a wrong number of descriptors";
    }

    struct ring *ring = &model->rings[number];
    switch (request) {
    case SET_VRING_NUM:
        if (ring->runs || ring->addressed) {
            return "a ring in use was resized";
        }
        if (!value || value > 32768
            || (!(model->features & F_PACKED) && value & (value - 1))) {
            return "a ring got an impossible size";
        }
        ring->sized = true;
        break;
    case SET_VRING_ADDR:
        ring->addressed = true;
        break;
    case SET_VRING_BASE:
        if (ring->runs) {
            return "a ring in use was moved";
        }
        break;
    case SET_VRING_KICK:
        ring->runs = true;
        break;
    case GET_VRING_BASE:
        *ring = (struct ring) { false, false, false };
        break;
    }
    return ((ring->runs || ring->addressed) && !ring->sized
            ? "a ring without a size is used" : NULL);
}

/* Follows a message that was accepted.  Returns what is wrong with that, or
 * null. */
static const char *
follow(struct model *model, const struct vhost_message *m, size_t n_fds,
       const struct vhost_todo *todo)
{
    uint32_t request = m->header.request;
    bool any_sized = false;

    if (model->unconfirmed) {
        model->unconfirmed = false;
        return (request != SET_MEM_TABLE || m->header.size != 8 || n_fds
                || todo->action != VHOST_ACCEPT
                ? "accepted although a confirmation is missing" : NULL);
    }
    if (request >= 64 || !(KNOWN & BIT(request))) {
        return "accepted although it is unknown";
    }
    if (m->header.size > 264) {
        return "accepted although it is too large";
    }
    if (n_fds > (request == SET_MEM_TABLE ? 8 : !!(WITH_FDS & BIT(request)))) {
        return "accepted with too many descriptors";
    }
    const char *wrong = not_negotiated(model, request);
    if (wrong) {
        return wrong;
    }
    if ((todo->action == VHOST_ANSWER) != !!(QUESTIONS & BIT(request))) {
        return "answered by the wrong side";
    }
    if (todo->action == VHOST_ANSWER
        && todo->value != (request == 1 ? model->offered
                           : request == 15 ? model->protocol_offered
                           : model->n_pairs)) {
        return "answered wrongly";
    }
    if ((todo->action == VHOST_ACCEPT) != (request == RESET_OWNER)) {
        return "not passed on, or passed on to do harm";
    }
    if (todo->n_maps > n_fds) {
        return "descriptors are to be mapped that are not there";
    }
    if (ABOUT_A_RING & BIT(request)) {
        return follow_ring(model, m, n_fds);
    }

    for (size_t i = 0; i < ARRAY_SIZE(model->rings); i++) {
        any_sized |= model->rings[i].sized;
    }
    switch (request) {
    case SET_FEATURES:
        if (get64(m, 0) & ~model->offered) {
            return "a feature was accepted that was not offered";
        }
        if (any_sized && (get64(m, 0) ^ model->features) & F_PACKED) {
            return "the kind of rings has changed that have a size";
        }
        model->features = get64(m, 0);
        break;
    case SET_PROTOCOL_FEATURES:
        if (get64(m, 0) & ~model->protocol_offered) {
            return "a protocol feature was accepted that was not offered";
        }
        model->protocol = get64(m, 0);
        break;
    case SET_MEM_TABLE:
        if ((todo->action == VHOST_ASK_TABLE) != model->listens) {
            return "a memory table is confirmed, or is not, wrongly";
        }
        model->unconfirmed = model->listens;
        return bad_memory(m, n_fds, todo);
    case SET_LOG_BASE:
        return (n_fds != 1 || todo->n_maps != 1 || todo->maps[0].offset
                || todo->maps[0].size != get64(m, 0) || get64(m, 8)
                ? "accepted with a bad log" : NULL);
    case POSTCOPY_LISTEN:
        model->listens = true;
        break;
    case POSTCOPY_END:
        model->listens = false;
        break;
    }
    return NULL;
}

/* Fills in the next message.  Its payload is mostly such that there is
 * something to say about it; the first byte tells how it is made. */
static size_t
take_message(struct input *in, struct vhost_message *m)
{
    uint8_t how = take(in, 1);
    uint8_t request = take(in, 1);
    size_t n_fds = how >> 4;
    uint32_t index, number;

    memset(m, 0, sizeof *m);
    m->header.request = how & 8 ? take(in, 4) : request % 44;
    m->header.flags = 1 | (how & 4 ? 1 << 3 : 0);
    switch (how & 3) {
    case 0:                             /* Anything. */
        m->header.size = take(in, 2) % 300;
        for (size_t i = 0; i < MIN(m->header.size, sizeof m->payload); i++) {
            m->payload[i] = take(in, 1);
        }
        break;
    case 1:                             /* A ring and a number. */
        index = take(in, 1) & 3;
        number = take(in, 1);
        number = number & 0x80 ? number & 0x7f : 1u << number % 18;
        index |= number & 1 ? 0x100 : 0;
        m->header.size = m->header.request == SET_VRING_ADDR ? 40 : 8;
        memcpy(m->payload, &index, 4);
        memcpy(m->payload + 4, &number, 4);
        break;
    case 2:                             /* A number of 64 bits. */
        m->header.size = 8;
        for (int i = 0; i < 8; i++) {
            m->payload[i] = take(in, 1);
        }
        break;
    case 3:                             /* Memory. */
        number = take(in, 1) % 10;
        m->header.size = MIN(8 + 32 * number, sizeof m->payload);
        memcpy(m->payload, &number, 4);
        for (uint32_t i = 0; i < MIN(number, 8); i++) {
            uint64_t region[4] = {
                take(in, 1) << 12, take(in, 1) << 12, take(in, 1) << 12, 0
            };

            if (region[2] & 1 << 12) {
                region[0] = -region[0];
            }
            memcpy(m->payload + 8 + 32 * i, region, sizeof region);
        }
        if (how & 128) {
            n_fds = number;
        }
        break;
    }
    if (how & 8) {
        m->header.size = take(in, 4);
    }
    return n_fds;
}

int
LLVMFuzzerInitialize(int *argc OVS_UNUSED, char ***argv OVS_UNUSED)
{
    return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { .data = data, .size = size };
    struct vhost_message *m = malloc(sizeof *m);
    struct vhost_messages said, copy;
    static struct model model;

    assert(m);
    memset(&model, 0, sizeof model);
    model.offered = take(&in, 8);
    model.protocol_offered = take(&in, 4) & VHOST_PROTOCOL_FEATURES;
    model.n_pairs = take(&in, 1) % 128 + 1;
    vhost_messages_init(&said, model.offered, model.protocol_offered,
                        model.n_pairs);
    while (in.size) {
        size_t n_fds = take_message(&in, m);
        struct vhost_todo todo, again;
        const char *early, *reason, *wrong = NULL;
        bool needs_ack = m->header.flags & 1 << 3;

        copy = said;
        early = vhost_messages_check_header(&said, &m->header, n_fds);
        if (memcmp(&copy, &said, sizeof copy)) {
            fail(m, n_fds, early, "looking at a header has changed something");
        }
        reason = vhost_messages_check(&said, m, n_fds, &todo);
        if (early && early != reason) {
            fail(m, n_fds, reason, "a header was refused, but not so the "
                 "message");
        }
        if (vhost_messages_check(&copy, m, n_fds, &again) != reason
            || (!reason && memcmp(&todo, &again, sizeof todo))
            || memcmp(&copy, &said, sizeof copy)) {
            fail(m, n_fds, reason, "the second time, it is another");
        }
        if (reason) {
            break;                      /* The connection ends. */
        }
        wrong = follow(&model, m, n_fds, &todo);
        if (!wrong && todo.ack && !(needs_ack && model.protocol & P_ACK)) {
            wrong = "an answer that nobody asked for";
        }
        if (!wrong && needs_ack && model.protocol & P_ACK && !todo.ack
            && (todo.action == VHOST_PASS || todo.action == VHOST_ACCEPT)) {
            wrong = "no answer, for which the guest waits";
        }
        for (int i = 0; i < 256 && !wrong; i++) {
            const struct ring *ring = &model.rings[i];

            if (ring->runs != said.started[i]
                || ring->sized != !!said.sizes[i]) {
                wrong = "the state of a ring is another";
            }
        }
        if (wrong) {
            fail(m, n_fds, reason, wrong);
        }
    }
    free(m);
    return 0;
}
