/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* A fuzzer for what takes packets and options apart.
 *
 * An input is a packet.  lib/partial-csum.c sees it as it comes from a device,
 * and as it comes from a guest that asks for a checksum; Open vSwitch parses
 * it, maybe pushes a tag; and it leaves through a device that completes
 * checksums itself, or not.  In the end it must be what pkt-corpus-csum.c,
 * which shares no code with that, makes of the same bytes: a checksum is
 * complete if it was partial, and no other byte has changed.
 *
 * The input is also split at its zeros and made options of a port.
 *
 * With clang, it is a libFuzzer program:
 *
 *     fuzz-packet -max_total_time=60 CORPUS-FOLDER
 *
 * Otherwise, fuzz-driver.c takes its place.
 *
 * Allocated memory ends where a packet ends, so that AddressSanitizer notices
 * who reads on. */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dp-packet.h"
#include "flow.h"
#include "openvswitch/vlog.h"
#include "ovs-compat.h"
#include "packet.h"
#include "packets.h"
#include "partial-csum.h"
#include "pkt-corpus.h"
#include "port-options.h"
#include "smap.h"
#include "util.h"

#define MAX_BYTES 4096

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
dump(const char *title, const uint8_t *data, size_t size)
{
    fprintf(stderr, "%s:", title);
    for (size_t i = 0; i < size; i++) {
        fprintf(stderr, " %02x", data[i]);
    }
    fputc('\n', stderr);
}

static void
expect(bool condition, const char *what, const uint8_t *frame, size_t size)
{
    if (!condition) {
        fprintf(stderr, "%s\n", what);
        dump("frame", frame, size);
        abort();
    }
}

/* What may be done to a packet between two ports. */
enum way {
    COMPLETE,                   /* Open vSwitch completes checksums. */
    DEVICE,                     /* The device does. */
    TAG_AND_DEVICE,             /* The same, after a tag was pushed. */
    LATE,                       /* Left to the device, but it cannot. */
    N_WAYS
};

/* Takes 'p' from having been received, and maybe called partial, to having
 * been sent. */
static void
forward(struct dp_packet *p, enum way way, const uint8_t *frame, size_t size)
{
    struct partial_csum pc;
    struct flow flow;

    flow_extract(p, &flow);
    if (way == TAG_AND_DEVICE) {
        eth_push_vlan(p, htons(ETH_TYPE_VLAN_8021Q), htons(100));
    }
    if (way != COMPLETE && partial_csum_tx(p, &pc)) {
        uint8_t *data = dp_packet_data(p);
        size_t end = dp_packet_size(p);

        expect(pc.start + pc.len <= end && pc.offset + 2 <= pc.len
               && pc.l3_ofs < pc.start, "left to the device what is not there",
               frame, size);
        if (way == LATE) {
            partial_csum_complete(p, &pc);
        } else {
            uint16_t sum = ~packet_fold(packet_sum(data + pc.start,
                                                   end - pc.start, 0));

            /* As the kernel does it: up to the end. */
            if (!sum && pc.proto == IPPROTO_UDP) {
                sum = 0xffff;
            }
            data[pc.start + pc.offset] = sum >> 8;
            data[pc.start + pc.offset + 1] = sum;
        }
    } else {
        dp_packet_ol_send_prepare(p, 0);
    }
    if (way == TAG_AND_DEVICE) {
        eth_pop_vlan(p);
    }
}

static void
expect_frame(const struct dp_packet *p, const uint8_t *expected,
             const uint8_t *frame, size_t size, const char *what)
{
    if (dp_packet_size(p) != size
        || memcmp(dp_packet_data(p), expected, size)) {
        fprintf(stderr, "%s: the packet is not as expected\n", what);
        dump("came", frame, size);
        dump("expected", expected, size);
        dump("is", dp_packet_data(p), dp_packet_size(p));
        abort();
    }
}

static struct dp_packet *
packet_from(const uint8_t *frame, size_t size)
{
    struct dp_packet *p = dp_packet_new_with_headroom(size, 64);

    memcpy(dp_packet_put_uninit(p, size), frame, size);
    return p;
}

/* Does not end on what Open vSwitch cannot do by itself: it knows no transport
 * header behind more VLAN tags than it looks at, and then completes nothing;
 * lib/partial-csum.c says no for SCTP, whose checksum it does not do. */
static void
test_packet(const uint8_t *frame, size_t size, bool told)
{
    static uint8_t expected[MAX_BYTES];

    for (enum way way = 0; way < N_WAYS; way++) {
        struct dp_packet *p = packet_from(frame, size);
        struct corpus_csum c, inner;
        bool partial = false;
        bool found, is;

        memcpy(expected, frame, size);
        found = corpus_csum_find(frame, size, &c);
        if (told) {
            is = partial_csum_rx_told(p);
            partial = found;
        } else {
            bool unlikely = (size >= PARTIAL_CSUM_LOOK_LEN
                             && partial_csum_is_unlikely(frame));

            is = partial_csum_rx(p);
            expect(!unlikely || !is, "a partial checksum was called unlikely",
                   frame, size);
            partial = found && corpus_csum_is_partial(frame, &c);
        }
        if (found && c.type == CORPUS_CSUM_SCTP) {
            expect(!is || partial, "SCTP was wrongly taken for partial",
                   frame, size);
            expect(!is || !c.extended, "SCTP behind other headers", frame,
                   size);
            partial = is;
        }
        if (partial) {
            corpus_csum_complete(expected, &c);
        } else if (!told && found
                   && corpus_csum_find_inner(frame, &c, &inner)
                   && corpus_csum_is_partial(frame, &inner)) {
            corpus_csum_complete(expected, &inner);
            partial = true;
        }
        expect(is == partial, partial ? "a partial checksum was not found"
               : "a checksum was wrongly taken for partial", frame, size);
        forward(p, way, frame, size);
        expect_frame(p, expected, frame, size, told ? "told" : "not told");
        dp_packet_delete(p);
    }
}

/* Options. */

struct options {
    int a_bool, an_auto, a_number, a_power;
};

static const struct port_option table[] = {
    { "bool", offsetof(struct options, a_bool), 1,
      .names = port_option_bool },
    { "auto", offsetof(struct options, an_auto), PORT_OPTION_FALSE,
      .names = port_option_auto },
    { "number", offsetof(struct options, a_number), 7, .min = -3,
      .max = 100000 },
    { "power", offsetof(struct options, a_power), 64, .min = 64,
      .max = 16384, .pow2 = true },
};

/* Whatever an option is, it is accepted and within its bounds, or refused with
 * its name; what is accepted is the same when written out and read again. */
static void
test_options(const uint8_t *data, size_t size)
{
    struct smap args = SMAP_INITIALIZER(&args);
    struct options options = { 0 };
    char *copy = xmemdup0((const char *) data, size);
    char *error = NULL;
    size_t n = 0;

    for (size_t ofs = 0; ofs < size && n < ARRAY_SIZE(table); n++) {
        smap_replace(&args, table[n].name, copy + ofs);
        ofs += strlen(copy + ofs) + 1;
    }
    if (port_options_parse("port", table, ARRAY_SIZE(table), &args, &options,
                           &error)) {
        bool named = false;

        assert(error);
        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
            named |= !!strstr(error, table[i].name);
        }
        expect(named && !strncmp(error, "port: options:", 14),
               "an error does not say of what", data, size);
        free(error);
    } else {
        struct smap again_args = SMAP_INITIALIZER(&again_args);
        struct options again = { 0 };

        assert(!error);
        expect((options.a_bool == 0 || options.a_bool == 1)
               && options.an_auto >= PORT_OPTION_AUTO
               && options.an_auto <= PORT_OPTION_FALSE
               && options.a_number >= -3 && options.a_number <= 100000
               && options.a_power >= 64 && options.a_power <= 16384
               && IS_POW2(options.a_power), "out of bounds", data, size);
        port_options_format(table, ARRAY_SIZE(table), &options, &again_args);
        assert(!port_options_parse("port", table, ARRAY_SIZE(table),
                                   &again_args, &again, &error));
        expect(!memcmp(&options, &again, sizeof again),
               "written out, it is another option", data, size);
        smap_destroy(&again_args);
    }
    smap_destroy(&args);
    free(copy);
}

int
LLVMFuzzerInitialize(int *argc OVS_UNUSED, char ***argv)
{
    set_program_name((*argv)[0]);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size = MIN(size, MAX_BYTES);
    if (size >= ETH_HEADER_LEN) {       /* Ports drop shorter ones. */
        test_packet(data, size, false);
        test_packet(data, size, true);
    }
    test_options(data, size);
    return 0;
}
