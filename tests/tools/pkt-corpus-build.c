/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* Makes good frames from layers: headers, lengths and checksums. */

#include "pkt-corpus-build.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "packet.h"

static void
put8(struct build *b, unsigned int value)
{
    assert(b->size < sizeof b->data);
    b->data[b->size++] = value;
}

static void
put16(struct build *b, unsigned int value)
{
    put8(b, value >> 8);
    put8(b, value);
}

static void
put32(struct build *b, uint32_t value)
{
    put16(b, value >> 16);
    put16(b, value);
}

/* Appends 'n' bytes that look random. */
void
build_fill(struct build *b, size_t n)
{
    uint32_t state = 2654435761u + b->size;

    while (n--) {
        put8(b, packet_random(&state) >> 8);
    }
}

static unsigned int
ethertype(char layer)
{
    switch (layer) {
    case VLAN: return 0x8100;
    case QINQ: return 0x88a8;
    case ARP: return 0x0806;
    case MPLS: return 0x8847;
    case NSH: return 0x894f;
    case PPPOE: return 0x8864;
    case IPV4: case IPV4_OPTIONS: return 0x0800;
    case IPV6: return 0x86dd;
    case ETHERNET: return 0x6558;
    default: return 0x88b5;         /* For experiments. */
    }
}

static unsigned int
ip_proto(char layer)
{
    switch (layer) {
    case HOP_BY_HOP: return 0;
    case ICMP: return 1;
    case IGMP: return 2;
    case IPV4: case IPV4_OPTIONS: return 4;
    case TCP: case TCP_OPTIONS: return 6;
    case UDP: return 17;
    case IPV6: return 41;
    case ROUTING: return 43;
    case FRAGMENT: return 44;
    case GRE: return 47;
    case ESP: return 50;
    case AUTHENTICATION: return 51;
    case ICMPV6_ND: case ICMPV6_MLD: return 58;
    case '\0': return 59;           /* Nothing follows. */
    case DST_OPTIONS: return 60;
    case SCTP: return 132;
    case MOBILITY: return 135;
    default: return 253;            /* For experiments. */
    }
}

static void
put_ipv6_address(struct build *b, unsigned int last)
{
    put32(b, 0x20010db8);
    put32(b, 0);
    put32(b, 0);
    put32(b, last);
}

/* Appends the header of layer 'c', which 'next' follows.  Lengths and
 * checksums come later. */
static void
put_layer(struct build *b, char c, char next, size_t payload)
{
    switch (c) {
    case ETHERNET:
        put16(b, 0x0200);
        put32(b, 2);
        put16(b, 0x0200);
        put32(b, 1);
        put16(b, next == LLC ? 0 : ethertype(next));
        break;

    case VLAN:
    case QINQ:
        put16(b, c == VLAN ? 0x6064 : 0x00c8);
        put16(b, ethertype(next));
        break;

    case LLC:
        put16(b, 0xaaaa);
        put32(b, 0x03000000);
        put16(b, ethertype(next));
        break;

    case ARP:
        put32(b, 0x00010800);
        put32(b, 0x06040001);
        put16(b, 0x0200);
        put32(b, 1);
        put32(b, 0x0a010101);
        put16(b, 0);
        put32(b, 0);
        put32(b, 0x0a010102);
        break;

    case MPLS:
        put32(b, 0x00064040 | (next != MPLS) << 8);
        break;

    case NSH:
        put32(b, 0x0fc60100 | (next == IPV4 ? 1 : 3));
        put32(b, 0x000001ff);
        build_fill(b, 16);
        break;

    case PPPOE:
        put32(b, 0x11000007);
        put16(b, payload + 2);
        put16(b, 0x0021);
        break;

    case IPV4:
    case IPV4_OPTIONS:
        put16(b, c == IPV4 ? 0x4500 : 0x4a00);
        put16(b, 0);
        put32(b, 0x12340000);
        put16(b, 0x4000 | ip_proto(next));
        put16(b, 0);
        put32(b, 0x0a010101);
        put32(b, 0x0a010102);
        if (c == IPV4_OPTIONS) {
            put32(b, 0x07070400);   /* Record route. */
            put32(b, 0x00000000);
            put32(b, 0x94040000);   /* Router alert. */
            put32(b, 0x82040102);   /* Security, too short. */
            put32(b, 0x01010000);   /* No operation, end. */
        }
        break;

    case IPV6:
        put32(b, 0x60012345);
        put16(b, 0);
        put16(b, ip_proto(next) << 8 | 64);
        put_ipv6_address(b, 1);
        put_ipv6_address(b, 2);
        break;

    case HOP_BY_HOP:
        put16(b, ip_proto(next) << 8);
        put16(b, 0x0502);           /* Router alert. */
        put32(b, 0x00000100);
        break;

    case DST_OPTIONS:
        put16(b, ip_proto(next) << 8 | 1);
        put16(b, 0x010c);           /* Padding. */
        put32(b, 0);
        put32(b, 0);
        put32(b, 0);
        break;

    case ROUTING:
        put32(b, ip_proto(next) << 24 | 0x020001);
        put32(b, 0);
        put_ipv6_address(b, 2);
        break;

    case FRAGMENT:
        put32(b, ip_proto(next) << 24);
        put32(b, 0x12345678);
        break;

    case AUTHENTICATION:
        put32(b, ip_proto(next) << 24 | 4 << 16);
        build_fill(b, 20);
        break;

    case ESP:
        build_fill(b, 24);
        break;

    case MOBILITY:
        put32(b, 59 << 24 | 0x0100);
        put32(b, 0);
        break;

    case TCP:
    case TCP_OPTIONS:
        put32(b, 0x30390050);
        put32(b, 1);
        put32(b, 2);
        put32(b, c == TCP ? 0x5018ffff : 0x8018ffff);
        put32(b, 0);
        if (c == TCP_OPTIONS) {
            put32(b, 0x0101080a);   /* Time stamps. */
            build_fill(b, 8);
        }
        break;

    case UDP:
        put16(b, 12345);
        put16(b, next == VXLAN ? 4789 : next == GENEVE ? 6081 : 53);
        put32(b, 0);
        break;

    case VXLAN:
        put32(b, 0x08000000);
        put32(b, 0x00000500);
        break;

    case GENEVE:
        put32(b, 0x02000000 | ethertype(next));
        put32(b, 0x00000500);
        put32(b, 0x01030101);
        build_fill(b, 4);
        break;

    case ICMP:
        put32(b, 0x08000000);
        put32(b, 0x00010001);
        break;

    case ICMPV6_ND:
        put32(b, 0x87000000);
        put32(b, 0);
        put_ipv6_address(b, 2);
        put16(b, 0x0101);           /* Source link-layer address. */
        put16(b, 0x0200);
        put32(b, 1);
        break;

    case ICMPV6_MLD:
        put32(b, 0x8f000000);
        put32(b, 1);
        put32(b, 0x04000001);
        put_ipv6_address(b, 2);
        put_ipv6_address(b, 3);
        break;

    case SCTP:
        put32(b, 0x30390050);
        put32(b, 0x12345678);
        put32(b, 0);
        put32(b, 0x00030000 | (16 + payload));
        build_fill(b, 12);
        break;

    case IGMP:
        put32(b, 0x22000000);
        put32(b, 1);
        put32(b, 0x04000001);
        put32(b, 0xe8010101);
        put32(b, 0x0a010103);
        break;

    case GRE:
        put32(b, 0xb0000000 | ethertype(next));
        put32(b, 0);
        put32(b, 5);
        put32(b, 6);
        break;

    case PAYLOAD:
        build_fill(b, payload);
        break;

    default:
        abort();
    }
}

/* Stores the lengths and checksums of layer 'i', for what is there now. */
void
build_finish_layer(struct build *b, int i)
{
    uint8_t *p = b->data + b->at[i];
    size_t len = b->size - b->at[i];
    uint32_t pseudo = 0;
    int field;

    switch (b->layers[i]) {
    case ETHERNET:
        if (b->layers[i + 1] == LLC) {
            build_set16(p + 12, len - 14);
        }
        return;

    case IPV4:
    case IPV4_OPTIONS:
        build_set16(p + 2, len);
        build_set16(p + 10, 0);
        build_set16(p + 10, ~packet_fold(packet_sum(p, (p[0] & 15) * 4, 0)));
        return;

    case IPV6:
        build_set16(p + 4, len - 40);
        return;

    case TCP:
    case TCP_OPTIONS:
        field = 16;
        break;

    case UDP:
        build_set16(p + 4, len);
        field = 6;
        break;

    case ICMP:
    case ICMPV6_ND:
    case ICMPV6_MLD:
    case IGMP:
        field = 2;
        break;

    case GRE:
        field = 4;
        break;

    case SCTP: {
        struct corpus_csum c = {
            .type = CORPUS_CSUM_SCTP, .start = b->at[i], .end = b->size,
            .field = b->at[i] + 8,
        };

        corpus_csum_complete(b->data, &c);
        return;
    }

    default:
        return;
    }

    if (b->layers[i] != ICMP && b->layers[i] != IGMP
        && b->layers[i] != GRE) {
        int j = i - 1;
        while (!build_is_ipv4(b->layers[j]) && b->layers[j] != IPV6) {
            j--;
        }
        pseudo = ip_proto(b->layers[i]) + len;
        pseudo = (build_is_ipv4(b->layers[j])
                  ? packet_sum(b->data + b->at[j] + 12, 8, pseudo)
                  : packet_sum(b->data + b->at[j] + 8, 32, pseudo));
    }
    build_set16(p + field, 0);
    build_set16(p + field, ~packet_fold(packet_sum(p, len, pseudo)));
}

/* The same for all layers, from the innermost on. */
void
build_finish(struct build *b)
{
    for (int i = strlen(b->layers) - 1; i >= 0; i--) {
        build_finish_layer(b, i);
    }
}

/* Makes a good frame of these layers, and 'payload' bytes if 'p' is among
 * them.  It is there until the next one is made. */
struct build *
build_frame(const char *layers, size_t payload)
{
    static struct build b;

    b.layers = layers;
    b.size = 0;
    for (int i = 0; layers[i]; i++) {
        b.at[i] = b.size;
        put_layer(&b, layers[i], layers[i + 1], payload);
    }
    build_finish(&b);
    return &b;
}
