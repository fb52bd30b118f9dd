/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef TESTS_VHOST_HOSTILE_ACT_H
#define TESTS_VHOST_HOSTILE_ACT_H 1

/* Between vhost-hostile.c and the files with the acts, one for each subject.
 *
 * An act is a function that does one thing which no guest should do, and
 * returns what the peer did about it.  The table at the end of its file has a
 * name and a description for it, and maybe several, with different arguments.
 * hostile_subjects[] in vhost-hostile.c has these tables. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vhost-hostile.h"

#define N_ELEMS(ARRAY) (sizeof ARRAY / sizeof ARRAY[0])

#define PAGE 4096u

/* How long to wait for something that may not happen, in ms. */
#define PATIENCE_MS 500

/* The same for the end of the connection, where the peer may first wait for
 * the rest of a message. */
#define PART_PATIENCE_MS 30000

/* How often floods repeat. */
#define FLOOD 2000

/* What an act works with. */
struct ctx {
    struct vfe *vfe;
    hostile_open_func *open;
    const struct hostile *what;
    struct vfe_ring *tx, *rx;       /* Of the first queue pair. */
    uint8_t *good;                  /* A header and a frame, shared. */
    size_t good_size;               /* Of both. */
    uint64_t good_gpa;
};

/* Flags of struct hostile. */
#define CONNECT_ONLY (1 << 0)       /* Nothing is agreed on before. */
#define NEGOTIATE_ONLY (1 << 1)     /* There is memory, but the peer does not
                                     * know of it. */
#define SPLIT_ONLY (1 << 2)         /* Makes no sense with packed rings. */
#define BIG_MEMORY (1 << 3)         /* Needs 5 GB of (empty) memory. */
#define NO_CSUM (1 << 4)            /* Without the feature CSUM. */
#define NO_INDIRECT (1 << 5)        /* Without the feature INDIRECT_DESC. */
#define LOGGING (1 << 6)            /* With what migration needs. */
#define SOME_MEMORY (1 << 7)        /* 32 MB of it. */
#define PACKED_ONLY (1 << 8)
#define SMALL_RINGS (1 << 9)        /* Of 8 descriptors. */

struct bad_header;

struct hostile {
    const char *name;
    const char *(*run)(struct ctx *);
    unsigned int flags;
    uint64_t arg;                   /* For 'run'. */
    const char *description;
    const struct bad_header *bad;   /* Only for those of packets' headers. */
};

/* A member of a table of acts, and its end.  A description that ends in
 * "(refused)" or "(allowed)" is held against what the peer does. */
#define CASE(NAME, RUN, FLAGS, ARG, WHAT) \
    { NAME, RUN, FLAGS, ARG, WHAT, NULL }
#define HOSTILE_END { NULL, NULL, 0, 0, NULL, NULL }

extern const struct hostile hostile_connections[];
extern const struct hostile hostile_descs[];
extern const struct hostile hostile_fds[];
extern const struct hostile hostile_features[];
extern const struct hostile hostile_headers[];
extern const struct hostile hostile_memories[];
extern const struct hostile hostile_messages[];
extern const struct hostile hostile_requests[];
extern const struct hostile hostile_rings[];
extern const struct hostile hostile_setups[];
extern const struct hostile hostile_slow[];
extern const struct hostile hostile_unasked[];

/* What the peer did: one of HOSTILE_*. */
const char *act_error(int error);
const char *act_settle(struct ctx *);
const char *act_judge_ring(struct ctx *, struct vfe_ring *);
const char *act_use_rings(struct ctx *, const char *result);

/* Packets. */
struct vfe_desc;
const char *act_post(struct ctx *, const struct vfe_desc *, unsigned int n);
size_t act_good_frame(uint8_t *frame, size_t max);

/* Messages. */
int act_say(struct ctx *, uint32_t request, uint32_t flags,
            const void *payload, size_t size, const int *fds, size_t n_fds);
const char *act_say_wrong(struct ctx *, uint32_t request, const void *payload,
                          size_t size, const int *fds, size_t n_fds);
const char *act_say_state(struct ctx *, uint32_t request, uint32_t index,
                          uint32_t num);

#endif /* vhost-hostile-act.h */
