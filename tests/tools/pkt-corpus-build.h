/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef TESTS_PKT_CORPUS_BUILD_H
#define TESTS_PKT_CORPUS_BUILD_H 1

/* Frames from layers, each of which is a letter: "E4Tp" is TCP in IPv4 in
 * Ethernet, with a payload. */

#include "pkt-corpus.h"

enum layer {
    ETHERNET = 'E',
    VLAN = 'V',
    QINQ = 'Q',                 /* The tag of 802.1ad. */
    LLC = 'L',                  /* With a SNAP header. */
    ARP = 'A',
    MPLS = 'm',
    NSH = 'n',
    PPPOE = 'P',
    IPV4 = '4',
    IPV4_OPTIONS = 'o',
    IPV6 = '6',
    HOP_BY_HOP = 'h',
    DST_OPTIONS = 'd',
    ROUTING = 'r',
    FRAGMENT = 'f',             /* Says that there is just one. */
    AUTHENTICATION = 'a',
    ESP = 'e',
    MOBILITY = 'M',
    TCP = 'T',
    TCP_OPTIONS = 't',
    UDP = 'U',
    VXLAN = 'X',
    GENEVE = 'G',               /* With options. */
    ICMP = 'I',
    ICMPV6_ND = 'N',            /* A neighbor solicitation. */
    ICMPV6_MLD = 'D',
    SCTP = 'S',
    IGMP = 'g',
    GRE = 'R',                  /* With checksum, key and sequence number. */
    PAYLOAD = 'p',
};

/* A frame under construction. */
struct build {
    const char *layers;
    size_t at[16];              /* Where each layer starts. */
    uint8_t data[CORPUS_MAX_FRAME];
    size_t size;
};

/* Stores a 16-bit number, the most significant byte first. */
static inline void
build_set16(uint8_t *p, unsigned int value)
{
    p[0] = value >> 8;
    p[1] = value;
}

static inline bool
build_is_ipv4(char layer)
{
    return layer == IPV4 || layer == IPV4_OPTIONS;
}

struct build *build_frame(const char *layers, size_t payload);
void build_finish(struct build *);
void build_finish_layer(struct build *, int i);
void build_fill(struct build *, size_t n);

#endif /* pkt-corpus-build.h */
