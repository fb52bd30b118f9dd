/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef TESTS_PKT_CORPUS_H
#define TESTS_PKT_CORPUS_H 1

/* Malformed and odd frames, and what may become of their checksums.  On
 * purpose nothing here is shared with what is tested. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The largest frame, in bytes. */
#define CORPUS_MAX_FRAME 16384

struct corpus_frame {
    char name[64];
    uint8_t *data;
    size_t size;
};

struct corpus {
    struct corpus_frame *frames;
    size_t n, allocated;
};

/* pkt-corpus-make.c */
void corpus_add(struct corpus *, const char *name, const uint8_t *,
                size_t size);
void corpus_make(struct corpus *);
void corpus_make_ethertypes(struct corpus *);
void corpus_destroy(struct corpus *);

/* Where the transport checksum of a frame is. */
struct corpus_csum {
    enum corpus_csum_type {
        CORPUS_CSUM_INET,       /* TCP or UDP: 16 bits. */
        CORPUS_CSUM_SCTP,       /* CRC32c. */
        CORPUS_CSUM_OTHER       /* Some other protocol. */
    } type;
    uint8_t proto;
    bool ipv6;
    bool extended;              /* Behind IPv6 extension headers. */
    size_t ip;                  /* Network header, from the first byte. */
    size_t start, end;          /* What the sum covers, likewise. */
    size_t field;               /* The checksum itself, likewise. */
};

/* pkt-corpus-csum.c */
bool corpus_csum_find(const uint8_t *frame, size_t size,
                      struct corpus_csum *);
bool corpus_csum_find_inner(const uint8_t *frame, const struct corpus_csum *,
                            struct corpus_csum *inner);
bool corpus_csum_is_partial(const uint8_t *frame, const struct corpus_csum *);
bool corpus_csum_is_complete(const uint8_t *frame, const struct corpus_csum *);
void corpus_csum_complete(uint8_t *frame, const struct corpus_csum *);

#endif /* pkt-corpus.h */
