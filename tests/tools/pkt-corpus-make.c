/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* Makes the corpus: always the same frames. */

#include "pkt-corpus-build.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packet.h"

/* Adds a frame, unless it is there already. */
void
corpus_add(struct corpus *corpus, const char *name, const uint8_t *data,
           size_t size)
{
    assert(size && size <= CORPUS_MAX_FRAME);
    for (size_t i = 0; i < corpus->n; i++) {
        if (corpus->frames[i].size == size
            && !memcmp(corpus->frames[i].data, data, size)) {
            return;
        }
    }
    if (corpus->n == corpus->allocated) {
        corpus->allocated += 1000;
        corpus->frames = realloc(corpus->frames, (corpus->allocated
                                                  * sizeof *corpus->frames));
        assert(corpus->frames);
    }

    struct corpus_frame *f = &corpus->frames[corpus->n++];
    snprintf(f->name, sizeof f->name, "%s", name);
    f->data = malloc(size);
    assert(f->data);
    memcpy(f->data, data, size);
    f->size = size;
}

/* Frees what 'corpus' holds. */
void
corpus_destroy(struct corpus *corpus)
{
    for (size_t i = 0; i < corpus->n; i++) {
        free(corpus->frames[i].data);
    }
    free(corpus->frames);
}

static void
add(struct corpus *corpus, const struct build *b, size_t size,
    const char *what, long int value)
{
    char name[64];

    snprintf(name, sizeof name, "%s: %s %ld", b->layers, what, value);
    corpus_add(corpus, name, b->data, size);
}

/* Adds the whole frame, and it cut off at each byte from layer 'from' on. */
static void
add_cuts(struct corpus *corpus, const char *layers, int from)
{
    const struct build *b = build_frame(layers, 4);

    for (size_t size = b->at[from] + (b->at[from] == 0); size < b->size;
         size++) {
        add(corpus, b, size, "cut", size);
    }
    add(corpus, b, b->size, "whole", b->size);
}

/* Adds a frame with the 'n' bytes at 'ofs' of layer 'i' set to 'value'.  If
 * these are in an IPv4 header, its checksum is right. */
static void
add_set(struct corpus *corpus, const char *layers, int i, size_t ofs, int n,
        uint32_t value)
{
    struct build *b = build_frame(layers, 24);
    uint8_t *p = b->data + b->at[i];
    char what[32];

    for (int j = 0; j < n; j++) {
        p[ofs + j] = value >> 8 * (n - 1 - j);
    }
    if (build_is_ipv4(layers[i]) && ofs != 10) {
        build_set16(p + 10, 0);
        build_set16(p + 10, ~packet_fold(packet_sum(p, 20, 0)));
    }
    snprintf(what, sizeof what, "%d+%zu=", i, ofs);
    add(corpus, b, b->size, what, value);
}

/* The same for a 16-bit length: no, too small, too large ones. */
static void
add_lengths(struct corpus *corpus, const char *layers, int i, size_t ofs)
{
    const struct build *b = build_frame(layers, 24);
    const uint8_t *p = b->data + b->at[i] + ofs;
    unsigned int good = p[0] << 8 | p[1];
    const unsigned int values[] = {
        0, 1, 2, 4, 7, 8, 9, 11, 12, 19, 20, 21, 24, 39, 40, 41, good - 1,
        good + 1, good + 2, good + 8, good * 2, 0x05dc, 0x7fff, 0x8000,
        0xfff0, 0xffff,
    };

    for (size_t j = 0; j < sizeof values / sizeof values[0]; j++) {
        add_set(corpus, layers, i, ofs, 2, values[j]);
    }
}

static void
add_all_values(struct corpus *corpus, const char *layers, int i, size_t ofs,
               unsigned int step)
{
    for (unsigned int value = 0; value < 256; value += step) {
        add_set(corpus, layers, i, ofs, 1, value);
    }
    add_set(corpus, layers, i, ofs, 1, 255);
}

static void
add_wrong_headers(struct corpus *corpus)
{
    /* Lengths, and checksums of which nothing else is wrong. */
    static const struct {
        const char *layers;
        int i;
        size_t ofs;
    } lengths[] = {
        { "E4Tp", 1, 2 }, { "E4Up", 1, 2 }, { "EoTp", 1, 2 },
        { "EV4Up", 2, 2 }, { "EQV4Tp", 3, 2 }, { "E4Sp", 1, 2 },
        { "E4Ip", 1, 2 }, { "E4g", 1, 2 }, { "E6Tp", 1, 4 },
        { "E6Up", 1, 4 }, { "E6N", 1, 4 }, { "E6hTp", 1, 4 },
        { "EV6Up", 2, 4 }, { "E4Up", 2, 4 }, { "E6Up", 2, 4 },
        { "E4UXE4Up", 2, 4 }, { "E4UXE4Up", 5, 2 }, { "E4UXE4Up", 6, 4 },
        { "E4UGE6Tp", 2, 4 }, { "E4UGE6Tp", 5, 4 }, { "E4Sp", 2, 14 },
        { "EL4Up", 0, 12 }, { "EP4Tp", 1, 4 }, { "E44Tp", 2, 2 },
        { "E46Up", 2, 4 },
    }, sums[] = {
        { "E4Tp", 1, 10 }, { "E4Tp", 2, 16 }, { "E4Up", 2, 6 },
        { "E6Tp", 2, 16 }, { "E6Up", 2, 6 }, { "E4Ip", 2, 2 },
        { "E6N", 2, 2 }, { "E4g", 2, 2 }, { "E4Sp", 2, 8 },
        { "E4RE4Up", 2, 4 }, { "E4UXE4Tp", 6, 16 }, { "E6UGE6Up", 6, 6 },
        { "EV4Tp", 3, 16 }, { "EQV6Up", 4, 6 }, { "E6hUp", 3, 6 },
    };

    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        add_lengths(corpus, lengths[i].layers, lengths[i].i, lengths[i].ofs);
    }
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
        add_set(corpus, sums[i].layers, sums[i].i, sums[i].ofs, 2, 0x5a5a);
        add_set(corpus, sums[i].layers, sums[i].i, sums[i].ofs, 2, 1);
        add_set(corpus, sums[i].layers, sums[i].i, sums[i].ofs, 2, 0xffff);
        if (sums[i].ofs == 6 || sums[i].ofs == 10) {
            add_set(corpus, sums[i].layers, sums[i].i, sums[i].ofs, 2, 0);
        }
    }

    /* Versions and header lengths. */
    add_all_values(corpus, "E4Up", 1, 0, 3);
    for (int ihl = 0; ihl < 16; ihl++) {
        add_set(corpus, "E4Tp", 1, 0, 1, 0x40 | ihl);
        add_set(corpus, "EV4Sp", 2, 0, 1, 0x40 | ihl);
        add_set(corpus, "E4UXE4Up", 5, 0, 1, 0x40 | ihl);
        add_set(corpus, "E4Tp", 2, 12, 1, ihl << 4);
        add_set(corpus, "E6tp", 2, 12, 1, ihl << 4);
        add_set(corpus, "E6Tp", 1, 0, 1, ihl << 4);
        add_set(corpus, "E4RE4Up", 2, 0, 1, ihl << 4);
        add_set(corpus, "E4RE4Up", 2, 1, 1, ihl);
    }
    add_all_values(corpus, "E6hTp", 2, 1, 51);
    add_all_values(corpus, "E6dUp", 2, 1, 51);
    add_all_values(corpus, "E6rTp", 2, 1, 51);
    add_all_values(corpus, "E6rTp", 2, 3, 51);
    add_all_values(corpus, "E6ahUp", 2, 1, 51);
    add_all_values(corpus, "E6MTp", 2, 1, 51);
    add_all_values(corpus, "E6hTp", 2, 3, 51);
    add_all_values(corpus, "EoTp", 1, 21, 51);
    add_all_values(corpus, "EoTp", 1, 22, 51);
    add_all_values(corpus, "E4tp", 2, 22, 51);
    add_all_values(corpus, "E4tp", 2, 23, 51);
    add_all_values(corpus, "E6N", 2, 0, 17);
    add_all_values(corpus, "E6N", 2, 24, 51);
    add_all_values(corpus, "E6N", 2, 25, 51);
    add_all_values(corpus, "E4Ip", 2, 0, 17);
    add_all_values(corpus, "E4g", 2, 0, 51);
    add_all_values(corpus, "E4g", 2, 7, 51);
    add_all_values(corpus, "E4g", 2, 11, 51);
    add_all_values(corpus, "E6D", 2, 7, 51);
    add_all_values(corpus, "EA", 1, 1, 51);
    add_all_values(corpus, "EA", 1, 4, 51);
    add_all_values(corpus, "EA", 1, 5, 51);
    add_all_values(corpus, "EA", 1, 7, 17);
    add_all_values(corpus, "E4UXE4Up", 3, 0, 51);
    add_all_values(corpus, "E4UGE4Up", 3, 0, 17);
    add_all_values(corpus, "E4UGE4Up", 3, 1, 51);
    add_all_values(corpus, "E4UGE4Up", 3, 11, 51);
    add_all_values(corpus, "En4Up", 1, 0, 51);
    add_all_values(corpus, "En4Up", 1, 1, 17);
    add_all_values(corpus, "En4Up", 1, 2, 51);
    add_all_values(corpus, "En4Up", 1, 3, 51);
    add_all_values(corpus, "Em4Up", 1, 2, 51);
    add_all_values(corpus, "Em4Up", 1, 3, 51);
    add_all_values(corpus, "E4Tp", 2, 13, 15);      /* TCP flags. */
    add_all_values(corpus, "E4p", 1, 9, 5);         /* Protocols. */
    add_all_values(corpus, "E6p", 1, 6, 5);
    add_all_values(corpus, "E4Tp", 1, 8, 51);       /* TTL. */
    add_all_values(corpus, "E4Tp", 1, 1, 51);       /* TOS. */
    add_all_values(corpus, "E4Sp", 2, 12, 51);      /* Type of chunk. */
    add_set(corpus, "E4Tp", 2, 0, 4, 0);            /* Ports. */
    add_set(corpus, "E4Up", 2, 0, 4, 0);
    add_set(corpus, "E6Up", 2, 0, 4, UINT32_MAX);
    add_set(corpus, "EV4Up", 1, 0, 2, 0);           /* VLAN tags. */
    add_set(corpus, "EV4Up", 1, 0, 2, 0x0fff);
    add_set(corpus, "EV4Up", 1, 0, 2, 0xffff);
    add_set(corpus, "EV4Up", 1, 0, 2, 0xe000);
    add_set(corpus, "EQV4Up", 1, 0, 2, 0x1000);
}

static void
add_fragments(struct corpus *corpus)
{
    static const struct {
        unsigned int word;      /* Flags and offset, as in IPv4. */
        size_t payload;
    } frags[] = {
        { 0x2000, 64 },         /* First. */
        { 0x2008, 64 },         /* Middle. */
        { 0x0010, 40 },         /* Last. */
        { 0x2004, 64 },         /* Overlaps the first. */
        { 0x0001, 40 },         /* Overlaps the header of that. */
        { 0x2000, 8 },          /* Tiny. */
        { 0x2000, 4 },
        { 0x2000, 0 },
        { 0x2001, 8 },
        { 0x0002, 1 },
        { 0x2008, 61 },         /* Not a multiple of 8. */
        { 0x1fff, 64 },         /* Ends beyond 65535. */
        { 0x3fff, 8 },
        { 0x1fff, 0 },
        { 0x6000, 64 },         /* May not be fragmented, but is. */
        { 0x8000, 64 },         /* The reserved bit. */
        { 0xc000, 64 },
        { 0xffff, 64 },
    };
    static const char *layers4[] = { "E4Tp", "E4Up", "EV4Up", "EoTp",
                                     "E4Sp", "E4Ip", "E4p" };
    static const char *layers6[] = { "E6fTp", "E6fUp", "E6hfTp", "E6fN",
                                     "E6ffUp", "E6fdTp", "E6fp" };

    for (size_t i = 0; i < sizeof frags / sizeof frags[0]; i++) {
        for (size_t j = 0; j < sizeof layers4 / sizeof layers4[0]; j++) {
            struct build *b = build_frame(layers4[j], frags[i].payload);
            int ip = strcspn(layers4[j], "4o");

            build_set16(b->data + b->at[ip] + 6, frags[i].word);
            build_finish_layer(b, ip);
            add(corpus, b, b->size, "fragment", frags[i].word);
        }
        for (size_t j = 0; j < sizeof layers6 / sizeof layers6[0]; j++) {
            struct build *b = build_frame(layers6[j], frags[i].payload);
            int header = strcspn(layers6[j], "f");
            unsigned int word = frags[i].word;

            word = (word & 0x1fff) << 3 | (word & 0xc000) >> 13
                   | (word & 0x2000) >> 13;
            build_set16(b->data + b->at[header] + 2, word);
            add(corpus, b, b->size, "fragment", word);
        }
    }
}

/* Adds 'layers' with these addresses in place of its own. */
static void
add_addresses(struct corpus *corpus, const char *layers, int i, size_t size,
              const uint8_t *src, const uint8_t *dst, int n)
{
    struct build *b = build_frame(layers, 24);
    uint8_t *p = b->data + b->at[i];

    if (layers[i] == ETHERNET) {
        memcpy(p, dst, size);
        memcpy(p + 6, src, size);
    } else {
        p += build_is_ipv4(layers[i]) ? 12 : 8;
        memcpy(p, src, size);
        memcpy(p + size, dst, size);
        build_finish(b);
    }
    add(corpus, b, b->size, "addresses", n);
}

static void
add_martians(struct corpus *corpus)
{
    static const uint8_t macs[][6] = {
        { 0 }, { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
        { 0x02, 0, 0, 0, 0, 1 }, { 0x03, 0, 0, 0, 0, 1 },
        { 0x01, 0x80, 0xc2, 0, 0, 0x00 },       /* Spanning tree. */
        { 0x01, 0x80, 0xc2, 0, 0, 0x01 },       /* Pause. */
        { 0x01, 0x80, 0xc2, 0, 0, 0x02 },       /* LACP. */
        { 0x01, 0x80, 0xc2, 0, 0, 0x0e },       /* LLDP. */
        { 0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcc }, /* CDP. */
        { 0x01, 0x00, 0x5e, 0, 0, 1 }, { 0x33, 0x33, 0, 0, 0, 1 },
    };
    static const uint8_t ips[][4] = {
        { 0 }, { 0, 1, 2, 3 }, { 127, 0, 0, 1 }, { 255, 255, 255, 255 },
        { 224, 0, 0, 1 }, { 239, 1, 2, 3 }, { 240, 0, 0, 1 },
        { 169, 254, 1, 1 }, { 10, 1, 1, 1 }, { 192, 0, 2, 1 },
    };
    static const uint8_t ip6s[][16] = {
        { 0 }, { [15] = 1 }, { 0xff, 2, [15] = 1 }, { 0xfe, 0x80, [15] = 1 },
        { [10] = 0xff, 0xff, 127, 0, 0, 1 }, { 0xff, 0xff, 0xff, 0xff },
        { [12] = 10, 1, 1, 1 }, { 0x20, 2, 127, 0, 0, 1 },
    };
    int n = 0;

    for (size_t i = 0; i < sizeof macs / sizeof macs[0]; i++) {
        add_addresses(corpus, "E4Up", 0, 6, macs[2], macs[i], n++);
        add_addresses(corpus, "E6Up", 0, 6, macs[i], macs[1], n++);
        add_addresses(corpus, "EA", 0, 6, macs[i], macs[i], n++);
        add_addresses(corpus, "EVp", 0, 6, macs[2], macs[i], n++);
    }
    for (size_t i = 0; i < sizeof ips / sizeof ips[0]; i++) {
        add_addresses(corpus, "E4Up", 1, 4, ips[i], ips[8], n++);
        add_addresses(corpus, "E4Tp", 1, 4, ips[8], ips[i], n++);
        add_addresses(corpus, "E4Ip", 1, 4, ips[i], ips[i], n++);
    }
    for (size_t i = 0; i < sizeof ip6s / sizeof ip6s[0]; i++) {
        add_addresses(corpus, "E6Up", 1, 16, ip6s[i], ip6s[3], n++);
        add_addresses(corpus, "E6Tp", 1, 16, ip6s[3], ip6s[i], n++);
        add_addresses(corpus, "E6N", 1, 16, ip6s[i], ip6s[i], n++);
    }
}

/* Frames whose checksum is the sum of the pseudo-header, but that must not be
 * taken for partial, since they are cut off or fragments; and good ones, that
 * are. */
static void
add_partial(struct corpus *corpus)
{
    static const char *all[] = { "E4Tp", "E4Up", "E6Tp", "E6Up", "EV4Tp",
                                 "EQV6Up", "EoUp", "E6hTp" };

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct build *b = build_frame(all[i], 24);
        struct corpus_csum c;

        assert(corpus_csum_find(b->data, b->size, &c));

        uint32_t sum = c.proto + (c.end - c.start);
        sum = (c.ipv6 ? packet_sum(b->data + c.ip + 8, 32, sum)
               : packet_sum(b->data + c.ip + 12, 8, sum));
        build_set16(b->data + c.field, packet_fold(sum));
        assert(corpus_csum_is_partial(b->data, &c));
        add(corpus, b, b->size, "partial", 0);
        add(corpus, b, b->size - 1, "partial, cut", b->size - 1);
        add(corpus, b, c.field + 2, "partial, cut", c.field + 2);

        build_fill(b, 7);
        add(corpus, b, b->size, "partial, with padding", 7);
        if (!c.ipv6) {
            build_set16(b->data + c.ip + 6, 0x2000);
            build_finish_layer(b, strcspn(all[i], "4o"));
            add(corpus, b, b->size, "partial, a fragment", 0);
        }
    }
}

/* Frames of odd and large sizes. */
static void
add_sizes(struct corpus *corpus)
{
    static const size_t sizes[] = { 42, 43, 59, 60, 61, 63, 64, 65, 127, 128,
                                    1513, 1514, 1515, 1516, 1518, 1519, 1522,
                                    1523, 2047, 2048, 2049, 3506, 4096 };

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct build *b = build_frame("E4Up", sizes[i] - 42);

        add(corpus, b, b->size, "size", b->size);
    }
    for (size_t payload = 1500 - 4; payload <= 1500 + 8; payload += 4) {
        struct build *b = build_frame("EV4Up", payload - 28);

        add(corpus, b, b->size, "size", b->size);
        b = build_frame("EQV6Tp", payload - 60);
        add(corpus, b, b->size, "size", b->size);
    }
    add(corpus, build_frame("E6Tp", 9014 - 74), 9014, "size", 9014);
    add(corpus, build_frame("E4Up", 15000 - 42), 15000, "size", 15000);

    /* With padding behind what the headers say. */
    for (size_t n = 1; n < 20; n += 6) {
        struct build *b = build_frame("E4Up", 3);

        build_fill(b, n);
        add(corpus, b, b->size, "padding", n);
        b = build_frame("E6Tp", 3);
        build_fill(b, n);
        add(corpus, b, b->size, "padding", n);
    }
}

/* Damages some of the frames by chance. */
static void
add_damaged(struct corpus *corpus)
{
    size_t n = corpus->n;
    uint32_t state = 20261123;

    for (int i = 0; i < 400; ) {
        const struct corpus_frame *f = &corpus->frames[packet_random(&state)
                                                       % n];
        uint8_t data[256];
        char name[64];
        struct corpus_csum c, inner;

        if (f->size > sizeof data || f->size < 20) {
            continue;
        }
        memcpy(data, f->data, f->size);
        for (int j = packet_random(&state) >> 8 & 3; j >= 0; j--) {
            uint32_t r = packet_random(&state);

            data[12 + (r >> 12) % (f->size - 12)] = r;
        }
        if (corpus_csum_find(data, f->size, &c)
            && (corpus_csum_is_partial(data, &c)
                || (corpus_csum_find_inner(data, &c, &inner)
                    && corpus_csum_is_partial(data, &inner)))) {
            continue;
        }
        snprintf(name, sizeof name, "damaged %d", i++);
        corpus_add(corpus, name, data, f->size);
    }
}

/* Adds to 'corpus' the frames that are kept in a file. */
void
corpus_make(struct corpus *corpus)
{
    /* What is cut off in each header, from which layer on. */
    static const struct {
        const char *layers;
        int from;
    } cuts[] = {
        { "E4Tp", 0 }, { "E4Up", 2 }, { "EoTp", 1 }, { "E4tp", 2 },
        { "E4Ip", 2 }, { "E4Sp", 2 }, { "E4g", 2 },
        { "E4RE4Up", 2 }, { "E4R4Up", 2 },
        { "E4UXE4Up", 3 }, { "E4UXEA", 5 }, { "E4UGE6Tp", 3 },
        { "E44Up", 2 }, { "E46Tp", 2 },
        { "EVp", 1 }, { "EV4Up", 1 }, { "EV6Tp", 2 },
        { "EQV4Tp", 1 }, { "EQV6Up", 3 }, { "EVV4Up", 2 }, { "EQQVV4Tp", 3 },
        { "E6Tp", 1 }, { "E6Up", 2 }, { "E6N", 2 }, { "E6D", 2 },
        { "E6Sp", 2 }, { "E6hTp", 2 }, { "E6dUp", 2 }, { "E6rTp", 2 },
        { "E6fUp", 2 }, { "E6aTp", 2 }, { "E6ep", 2 }, { "E6M", 2 },
        { "E6hdrfaUp", 3 },
        { "EA", 1 }, { "EVA", 2 },
        { "Em4Up", 1 }, { "Emmmmmmm4Tp", 2 },
        { "En4Up", 1 }, { "EnEA", 2 },
        { "EL4Up", 1 }, { "EP4Tp", 1 },
    };

    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        add_cuts(corpus, cuts[i].layers, cuts[i].from);
    }
    add_wrong_headers(corpus);
    add_fragments(corpus);
    add_martians(corpus);
    add_sizes(corpus);
    add_damaged(corpus);
    add_partial(corpus);
}

/* Adds a small frame of each ethertype, or 802.3 length. */
void
corpus_make_ethertypes(struct corpus *corpus)
{
    struct build *b = build_frame("Ep", 46);

    corpus->frames = malloc(65536 * sizeof *corpus->frames);
    assert(corpus->frames);
    corpus->n = corpus->allocated = 65536;
    for (unsigned int type = 0; type < 65536; type++) {
        struct corpus_frame *f = &corpus->frames[type];

        /* 14 to 29 bytes, and sometimes 60. */
        f->size = type % 17 ? 14 + type % 16 : 60;
        snprintf(f->name, sizeof f->name, "ethertype %04x", type);
        build_set16(b->data + 12, type);
        f->data = malloc(f->size);
        assert(f->data);
        memcpy(f->data, b->data, f->size);
    }
}
