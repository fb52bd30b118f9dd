/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef TESTS_PACKET_H
#define TESTS_PACKET_H 1

/* Ethernet frames with TCP or UDP inside, made and judged byte by byte, for
 * the tests.  On purpose nothing here is shared with what is tested. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The state of a transport checksum. */
#define PACKET_CSUMS                                                         \
    X(GOOD, "good")             /* Complete and correct. */                  \
    X(BAD, "bad")               /* Neither of the others. */                 \
    X(PARTIAL, "partial")       /* The sum of the pseudo-header only. */     \
    X(NONE, "none")             /* UDP over IPv4 without a checksum. */

enum packet_csum {
#define X(ID, NAME) PACKET_CSUM_##ID,
    PACKET_CSUMS
#undef X
    PACKET_N_CSUMS
};

struct packet_spec {
    uint8_t eth_dst[6], eth_src[6];
    int n_vlans;                /* 0 to 2. */
    uint16_t vlans[2];          /* Outermost first. */
    int ip_version;             /* 4 or 6. */
    uint8_t ip_src[16], ip_dst[16];
    size_t n_options;           /* Bytes of IP options or of IPv6 extension
                                 * headers: a multiple of 4 or 8. */
    uint16_t frag;              /* IPv4: the fragment word. */
    bool tcp;
    uint16_t sport, dport;
    enum packet_csum csum;
    size_t payload_len;
    const void *payload;        /* Null: bytes from 'seed'. */
    uint32_t seed;
};

/* Where things are, in bytes from the start of a frame. */
struct packet_place {
    int n_vlans;
    int ip_version;
    uint8_t proto;
    size_t ip, l4, csum, payload, end;
};

uint32_t packet_random(uint32_t *state);
uint32_t packet_sum(const uint8_t *, size_t n, uint32_t sum);
uint16_t packet_fold(uint32_t sum);
const char *packet_csum_name(enum packet_csum);

size_t packet_build(const struct packet_spec *, uint8_t *frame, size_t max,
                    struct packet_place *);
bool packet_find(const uint8_t *frame, size_t size, struct packet_place *);
uint32_t packet_pseudo_sum(const uint8_t *frame, const struct packet_place *);
bool packet_csum_is_pseudo(const uint8_t *frame, const struct packet_place *);
enum packet_csum packet_check(const uint8_t *frame,
                              const struct packet_place *);

#endif /* packet.h */
