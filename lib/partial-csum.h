/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef PARTIAL_CSUM_H
#define PARTIAL_CSUM_H 1

/* Packets whose transport checksum is still partial.
 *
 * A Linux sender whose device promises to checksum (as veth, tap and virtio
 * do) stores in the TCP or UDP checksum field only the folded sum of the
 * pseudo-header, not complemented, and leaves the rest to the device; see
 * "Checksum offload" in the kernel's Documentation/networking.  AF_XDP hands
 * such a packet on without telling that this is so.  The stored sum gives it
 * away. */

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "ovs-compat.h"
#include "packets.h"

/* UDP ports of the tunnels that carry Ethernet frames: VXLAN (RFC 7348), the
 * one that Linux used for it before, and Geneve (RFC 8926). */
#define UDP_PORT_VXLAN 4789
#define UDP_PORT_VXLAN_OLD 8472
#define UDP_PORT_GENEVE 6081

/* The bytes from a packet's start that partial_csum_is_unlikely() reads. */
#define PARTIAL_CSUM_LOOK_LEN (ETH_HEADER_LEN + IP_HEADER_LEN + TCP_HEADER_LEN)

/* A checksum that is to be completed by whoever sends the packet out. */
struct partial_csum {
    uint8_t proto;              /* IPPROTO_TCP or IPPROTO_UDP. */
    bool ipv6;
    uint16_t l3_ofs;            /* Network header, from the packet's start. */
    uint16_t start;             /* First byte covered, likewise. */
    uint16_t len;               /* Number of bytes covered. */
    uint16_t offset;            /* The checksum field, from 'start'. */
};

bool partial_csum_rx(struct dp_packet *);
bool partial_csum_rx_told(struct dp_packet *);
bool partial_csum_tx_proto(struct dp_packet *, uint8_t proto, bool inner,
                           struct partial_csum *);
void partial_csum_complete(struct dp_packet *, const struct partial_csum *);

/* If Open vSwitch has left the TCP or UDP checksum of 'p' to the device, makes
 * it partial and returns true with '*pc' filled in.  Open vSwitch may have
 * rewritten the addresses since the packet came in, so the sum of the
 * pseudo-header is stored anew.  Returns false if the packet is complete, or
 * was completed, since a device could not. */
static inline bool
partial_csum_tx(struct dp_packet *p, struct partial_csum *pc)
{
    bool inner;
    uint8_t proto = compat_packet_tx_csum_proto(p, &inner);

    return proto && partial_csum_tx_proto(p, proto, inner, pc);
}

/* The 16 bits at 'p', which need not be aligned. */
static inline ovs_be16
be16_at(const uint8_t *p)
{
    ovs_be16 x;

    memcpy(&x, p, sizeof x);
    return x;
}

/* The 32 bits at 'p', likewise. */
static inline ovs_be32
be32_at(const uint8_t *p)
{
    ovs_be32 x;

    memcpy(&x, p, sizeof x);
    return x;
}

/* 'x' as a summand of an Internet checksum. */
static inline uint64_t
sum16(ovs_be16 x)
{
    return (OVS_FORCE uint16_t) x;
}

/* Adds the 'n' bytes at 'p', a multiple of 4, to 'sum'.  sum_fold() folds the
 * carries back in. */
static inline uint64_t
sum_words(uint64_t sum, const void *p, size_t n)
{
    for (size_t i = 0; i < n; i += 4) {
        uint32_t word;

        memcpy(&word, (const char *) p + i, sizeof word);
        sum += word;
    }
    return sum;
}

/* True if packets to UDP port 'port' may carry Ethernet frames. */
static inline bool
is_tunnel_port(ovs_be16 port)
{
    switch ((OVS_FORCE uint16_t) port) {
    case CONSTANT_HTONS(UDP_PORT_VXLAN):
    case CONSTANT_HTONS(UDP_PORT_VXLAN_OLD):
    case CONSTANT_HTONS(UDP_PORT_GENEVE):
        return true;
    default:
        return false;
    }
}

/* True if the checksum of the packet at 'data' is not partial, so that
 * partial_csum_rx() would find nothing: for most packets, a quick way to say
 * so.  Reads PARTIAL_CSUM_LOOK_LEN bytes even if the packet is shorter; what
 * is there does not matter. */
static inline bool
partial_csum_is_unlikely(const void *data)
{
    const uint8_t *ip = (const uint8_t *) data + ETH_HEADER_LEN;
    const uint8_t *th = ip + IP_HEADER_LEN;

    /* IPv4 without VLAN tags or options. */
    if (OVS_UNLIKELY((be32_at(ip - 2) & htonl(0xffffff00))
                     != htonl(0x08004500))) {
        return false;
    }

    /* A partial checksum is the sum of the pseudo-header, in 16 bits, whose
     * carries are added back in: the two are equal modulo 0xffff.  The length
     * is that of the packet but for the IP header.  'difference' begins with a
     * multiple of 0xffff, so that it is never negative. */
    uint8_t proto = ip[offsetof(struct ip_header, ip_proto)];
    uint64_t difference = 2 * 0xffff - sum16(htons(IP_HEADER_LEN));

    if (proto == IPPROTO_TCP) {
        const uint8_t *csum = th + offsetof(struct tcp_header, tcp_csum);

        difference += sum16(htons(IPPROTO_TCP)) - sum16(be16_at(csum));
    } else if (proto == IPPROTO_UDP && !is_tunnel_port(be16_at(th + 2))) {
        const uint8_t *csum = th + offsetof(struct udp_header, udp_csum);

        difference += sum16(htons(IPPROTO_UDP)) - sum16(be16_at(csum));
    } else {
        return false;
    }
    difference += sum16(be16_at(ip + offsetof(struct ip_header, ip_tot_len)));
    return sum_words(difference, ip + offsetof(struct ip_header, ip_src),
                     8) % 0xffff;
}

#endif /* partial-csum.h */
