/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* "vhost-guest hostile": finds an act, prepares a guest for it, and has it
 * done. */

#include "vhost-hostile-act.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vhost-frontend.h"

/* All acts, by subject: each table is in a file of its own. */
static const struct hostile *const hostile_subjects[] = {
    hostile_descs,                  /* vhost-hostile-desc.c, and so on. */
    hostile_rings,
    hostile_headers,
    hostile_setups,
    hostile_features,
    hostile_messages,
    hostile_fds,
    hostile_memories,
    hostile_unasked,
    hostile_connections,
    hostile_slow,
    hostile_requests,
};

/* Returns the act with that name, or NULL. */
const struct hostile *
hostile_find(const char *name)
{
    for (size_t i = 0; i < N_ELEMS(hostile_subjects); i++) {
        for (const struct hostile *what = hostile_subjects[i]; what->name;
             what++) {
            if (!strcmp(what->name, name)) {
                return what;
            }
        }
    }
    return NULL;
}

/* Prints the name and the description of each act. */
void
hostile_list(void)
{
    for (size_t i = 0; i < N_ELEMS(hostile_subjects); i++) {
        for (const struct hostile *what = hostile_subjects[i]; what->name;
             what++) {
            printf("%-20s %s%s\n", what->name, what->description,
                   what->flags & SPLIT_ONLY ? " (split rings only)"
                   : what->flags & PACKED_ONLY ? " (packed rings only)"
                   : "");
        }
    }
}

/* Makes '*vfe', not connected yet, what 'what' wants it to be. */
void
hostile_prepare(const struct hostile *what, struct vfe *vfe)
{
    if (what->flags & BIG_MEMORY) {
        vfe->spare = UINT64_C(5) << 30;
    }
    if (what->flags & SOME_MEMORY) {
        vfe->spare = 32 << 20;
    }
    if (what->flags & SMALL_RINGS) {
        vfe->ring_size = 8;
    }
    if (what->flags & NO_CSUM) {
        vfe->feature_mask &= ~VFE_BIT(VFE_F_CSUM);
    }
    if (what->flags & NO_INDIRECT) {
        vfe->feature_mask &= ~VFE_BIT(VFE_F_INDIRECT_DESC);
    }
    if (what->flags & LOGGING) {
        vfe->protocol_mask |= VFE_BIT(VFE_P_LOG_SHMFD);
    }
}

/* Does what 'what' says over the connection of '*vfe'.  Good packets are the
 * 'size' bytes at 'frame', if that is not null. */
const char *
hostile_run(const struct hostile *what, struct vfe *vfe,
            hostile_open_func *open_another, const uint8_t *frame,
            size_t size)
{
    struct ctx ctx = { .vfe = vfe, .open = open_another, .what = what };
    uint8_t built[512];
    int error = 0;

    if (what->flags & CONNECT_ONLY) {
        return what->run(&ctx);
    }
    if (what->flags & NEGOTIATE_ONLY) {
        error = vfe_negotiate(vfe);
        if (!error) {
            error = vfe_alloc_memory(vfe);
        }
    } else {
        error = vfe_start(vfe);
    }
    if (error) {
        fprintf(stderr, "vhost-guest: %s: %s\n", vfe->step, strerror(error));
        exit(1);
    }

    ctx.tx = vfe_tx_ring(vfe, 0);
    ctx.rx = vfe_rx_ring(vfe, 0);
    if (what->flags & (ctx.tx->packed ? SPLIT_ONLY : PACKED_ONLY)) {
        fprintf(stderr, "vhost-guest: %s: not with %s rings\n",
                what->name, ctx.tx->packed ? "packed" : "split");
        exit(2);
    }

    if (!frame) {
        size = act_good_frame(built, sizeof built);
        frame = built;
    }
    ctx.good_size = vfe->hdr_size + size;
    ctx.good = vfe_alloc(vfe, 0, ctx.good_size + 128 * 1024, 64);
    memcpy(ctx.good + vfe->hdr_size, frame, size);
    ctx.good_gpa = vfe_gpa(vfe, ctx.good);
    return what->run(&ctx);
}
