/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

#include "partial-csum.h"

#include <netinet/in.h>

#include "csum.h"
#include "dp-packet.h"
#include "ovs-compat.h"
#include "packets.h"

/* Where the transport header of a packet is. */
struct l4_location {
    uint64_t pseudo;            /* Unfolded sum of the pseudo-header. */
    uint32_t ofs;               /* From the first byte of the packet. */
    uint32_t len;               /* Bytes of transport header and payload, all
                                 * of them present. */
    uint8_t proto;
    bool has_options;           /* Options stand before it (IPv6 extension
                                 * headers, an IPv4 source route) with which
                                 * Open vSwitch cannot complete a checksum. */
};

/* The addresses of an IPv6 pseudo-header.  A packet on its way through places
 * that a routing header names has the next of them in its IPv6 header, but its
 * checksum is that of its final destination (RFC 8200, section 8.1).  One from
 * a mobile node is that of its home address (RFC 6275, section 9.3.1). */
struct ipv6_ends {
    const uint8_t *src, *dst;
    uint8_t buf[16];            /* For an address that is in two pieces. */
};

/* Folds 'sum' to the 16 bits that stand in a partial checksum field. */
static inline ovs_be16
sum_fold(uint64_t sum)
{
    uint32_t half;

    /* If the halves of a number are added to it crosswise, its upper half
     * becomes their sum, carry included. */
    half = (sum + (sum << 32 | sum >> 32)) >> 32;
    half = (half + (half << 16 | half >> 16)) >> 16;
    return (OVS_FORCE ovs_be16) half;
}

/* The part of a pseudo-header that follows the addresses. */
static inline uint64_t
sum_proto_len(uint8_t proto, uint16_t len)
{
    return sum16(htons(proto)) + sum16(htons(len));
}

/* Where the addresses of the pseudo-header are for the packet with the 'ihl'
 * bytes of IPv4 header at 'ip': if it is on its way along a source route, its
 * final destination is the last one of that (RFC 791, section 3.1).  Returns
 * that address, or null if it is the one in the header. */
static __attribute__((noinline)) const uint8_t *
ipv4_final_dst(const uint8_t *ip, uint32_t ihl)
{
    enum { END = 0, NOP = 1, LSRR = 131, SSRR = 137 };
    uint32_t i = IP_HEADER_LEN;

    while (i < ihl && ip[i] != END) {
        if (ip[i] == NOP) {
            i++;
            continue;
        }

        uint32_t len = i + 1 < ihl ? ip[i + 1] : 0;

        if (len < 2 || len > ihl - i) {
            break;
        }
        if ((ip[i] == LSRR || ip[i] == SSRR) && len >= 7 && len % 4 == 3) {
            uint32_t next = ip[i + 2];      /* From 1; beyond 'len': none. */

            return next >= 4 && next + 3 <= len ? ip + i + len - 4 : NULL;
        }
        i += len;
    }
    return NULL;
}

/* Sets 'ends->dst' to the final destination that the 'len' bytes of routing
 * header at 'rh' name.  False if that cannot be told. */
static bool
ipv6_routing_dst(const uint8_t *rh, uint32_t len, struct ipv6_ends *ends)
{
    uint32_t n_addrs = (len - 8) / 16;
    uint32_t segments_left = rh[3];

    if (!segments_left) {
        return true;
    }
    switch (rh[2]) {
    case 0:                     /* Source route (RFC 2460). */
        if (len % 16 != 8 || segments_left > n_addrs) {
            return false;
        }
        ends->dst = rh + len - 16;
        return true;

    case 2:                     /* To a mobile node (RFC 6275). */
        if (n_addrs != 1 || len % 16 != 8 || segments_left != 1) {
            return false;
        }
        ends->dst = rh + 8;
        return true;

    case 3: {                   /* RPL (RFC 6554): the last address lacks what
                                 * it has in common with the present one. */
        uint32_t common = rh[4] & 0xf;
        uint32_t pad = rh[5] >> 4;

        if (len < 8 + pad + 16 - common) {
            return false;
        }
        memmove(ends->buf, ends->dst, common);
        memcpy(ends->buf + common, rh + len - pad - (16 - common),
               16 - common);
        ends->dst = ends->buf;
        return true;
    }

    case 4:                     /* Segments (RFC 8754), the last one first. */
        if (!n_addrs) {
            return false;
        }
        ends->dst = rh + 8;
        return true;

    default:
        return false;
    }
}

/* Sets 'ends->src' to the home address in the 'len' bytes of destination
 * options at 'opts', if there is one. */
static void
ipv6_home_src(const uint8_t *opts, uint32_t len, struct ipv6_ends *ends)
{
    enum { PAD1 = 0, HOME_ADDRESS = 0xc9 };
    uint32_t i = 2;

    while (i < len) {
        if (opts[i] == PAD1) {
            i++;
            continue;
        }
        if (len - i < 2 || opts[i + 1] > len - i - 2) {
            break;
        }
        if (opts[i] == HOME_ADDRESS && opts[i + 1] == 16) {
            ends->src = opts + i + 2;
        }
        i += 2 + opts[i + 1];
    }
}

/* Moves '*ofs' over the IPv6 extension headers at 'data' + '*ofs', up to
 * 'end', and stores in '*proto' what follows them and in '*ends' what they
 * say.  False if they do not end, or do not tell where the packet goes. */
static bool
skip_ipv6_options(const uint8_t *data, uint32_t *ofs, uint32_t end,
                  uint8_t *proto, struct ipv6_ends *ends)
{
    while (*proto == IPPROTO_HOPOPTS || *proto == IPPROTO_DSTOPTS
           || *proto == IPPROTO_ROUTING) {
        if (end - *ofs < 8) {
            return false;
        }

        const uint8_t *header = data + *ofs;
        uint32_t len = 8 + header[1] * 8;

        if (end - *ofs < len) {
            return false;
        }
        if (*proto == IPPROTO_ROUTING) {
            if (!ipv6_routing_dst(header, len, ends)) {
                return false;
            }
        } else if (*proto == IPPROTO_DSTOPTS) {
            ipv6_home_src(header, len, ends);
        }
        *proto = header[0];
        *ofs += len;
    }
    return true;
}

/* Finds the transport header in the 'len' bytes at 'ip6', an IPv6 packet with
 * extension headers.  Stores its offset from 'ip6' in '*ofs', its protocol in
 * '*proto', and in '*pseudo' the sum of the addresses of its pseudo-header.
 * False as skip_ipv6_options().  Packets that need this are rare, and it is a
 * function of its own to keep it out of the way of the others. */
static __attribute__((noinline)) bool
ipv6_options_locate(const uint8_t *ip6, uint32_t len, uint32_t *ofs,
                    uint8_t *proto, uint64_t *pseudo)
{
    struct ipv6_ends ends = {
        .src = ip6 + offsetof(struct ovs_16aligned_ip6_hdr, ip6_src),
        .dst = ip6 + offsetof(struct ovs_16aligned_ip6_hdr, ip6_dst),
    };

    *ofs = IPV6_HEADER_LEN;
    *proto = ip6[offsetof(struct ovs_16aligned_ip6_hdr, ip6_nxt)];

    bool ok = skip_ipv6_options(ip6, ofs, len, proto, &ends);
    *pseudo = sum_words(sum_words(0, ends.src, 16), ends.dst, 16);
    return ok;
}

/* Finds the transport header of the Ethernet frame that starts at byte 'ofs'
 * of the 'size' bytes at 'data'.  False if there is none, or just a fragment
 * of one: no sender leaves a fragment's checksum to the device. */
static inline bool
l4_locate(const uint8_t *data, uint32_t size, uint32_t ofs,
          struct l4_location *l4)
{
    if (size < ofs + ETH_HEADER_LEN + IP_HEADER_LEN) {
        return false;
    }

    ovs_be16 type = be16_at(data + ofs + 12);

    ofs += ETH_HEADER_LEN;
    for (int i = 0; OVS_UNLIKELY(eth_type_vlan(type)) && i < 2; i++) {
        if (size < ofs + VLAN_HEADER_LEN) {
            return false;
        }
        type = be16_at(data + ofs + 2);
        ofs += VLAN_HEADER_LEN;
    }

    l4->has_options = false;
    if (type == htons(ETH_TYPE_IP)) {
        if (size < ofs + IP_HEADER_LEN) {
            return false;
        }

        const struct ip_header *ip = ALIGNED_CAST(const struct ip_header *,
                                                  data + ofs);
        uint32_t ihl = IP_IHL(ip->ip_ihl_ver) * 4;
        uint32_t tot_len = ntohs(ip->ip_tot_len);

        if (IP_VER(ip->ip_ihl_ver) != 4 || ihl < IP_HEADER_LEN
            || tot_len < ihl || size - ofs < tot_len
            || IP_IS_FRAGMENT(ip->ip_frag_off)) {
            return false;
        }
        l4->ofs = ofs + ihl;
        l4->len = tot_len - ihl;
        l4->proto = ip->ip_proto;
        l4->pseudo = sum_words(sum_proto_len(l4->proto, l4->len),
                               &ip->ip_src, 8);
        if (OVS_UNLIKELY(ihl > IP_HEADER_LEN)) {
            const uint8_t *dst = ipv4_final_dst(data + ofs, ihl);

            if (dst) {
                l4->pseudo = sum_words(sum_proto_len(l4->proto, l4->len),
                                       &ip->ip_src, 4);
                l4->pseudo = sum_words(l4->pseudo, dst, 4);
                l4->has_options = true;
            }
        }
        return true;
    } else if (type == htons(ETH_TYPE_IPV6)) {
        if (size < ofs + IPV6_HEADER_LEN) {
            return false;
        }

        const struct ovs_16aligned_ip6_hdr *ip6
            = ALIGNED_CAST(const struct ovs_16aligned_ip6_hdr *, data + ofs);
        uint32_t end = ofs + IPV6_HEADER_LEN + ntohs(ip6->ip6_plen);

        if (IP_VER(data[ofs]) != 6 || size < end) {
            return false;
        }
        l4->proto = ip6->ip6_nxt;
        l4->ofs = ofs + IPV6_HEADER_LEN;
        if (OVS_LIKELY(l4->proto == IPPROTO_TCP
                       || l4->proto == IPPROTO_UDP)) {
            l4->len = end - l4->ofs;
            l4->pseudo = sum_words(sum_proto_len(l4->proto, l4->len),
                                   &ip6->ip6_src, 32);
            return true;
        }

        uint64_t addrs;

        if (!ipv6_options_locate(data + ofs, end - ofs, &l4->ofs, &l4->proto,
                                 &addrs)) {
            return false;
        }
        l4->has_options = l4->ofs != IPV6_HEADER_LEN;
        l4->ofs += ofs;
        l4->len = end - l4->ofs;
        l4->pseudo = addrs + sum_proto_len(l4->proto, l4->len);
        return true;
    }
    return false;
}

/* The offset, in a transport header of 'proto', of the 16-bit checksum whose
 * partial form is the sum of the pseudo-header; 0 if 'proto' has no such. */
static inline uint32_t
csum_offset(uint8_t proto, uint32_t len)
{
    return (proto == IPPROTO_TCP && len >= TCP_HEADER_LEN
            ? offsetof(struct tcp_header, tcp_csum)
            : proto == IPPROTO_UDP && len >= UDP_HEADER_LEN
            ? offsetof(struct udp_header, udp_csum)
            : 0);
}

/* True if the checksum at 'l4' is partial, with '*offset' set to its place in
 * the transport header. */
static inline bool
l4_csum_is_partial(const uint8_t *data, const struct l4_location *l4,
                   uint32_t *offset)
{
    *offset = csum_offset(l4->proto, l4->len);
    return *offset
           && be16_at(data + l4->ofs + *offset)
              == sum_fold(l4->pseudo);
}

/* Turns the partial checksum at 'l4' into a complete one. */
static void
l4_csum_complete(uint8_t *data, const struct l4_location *l4, uint32_t offset)
{
    ovs_be16 sum = csum(data + l4->ofs, l4->len);

    if (!sum && l4->proto == IPPROTO_UDP) {
        sum = htons(0xffff);    /* 0 stands for "no checksum". */
    }
    memcpy(data + l4->ofs + offset, &sum, sizeof sum);
}

/* If 'outer' is a VXLAN or Geneve header around an Ethernet frame, returns the
 * offset of that frame, otherwise 0. */
static uint32_t
tunnel_payload(const uint8_t *data, const struct l4_location *outer)
{
    if (outer->proto != IPPROTO_UDP || outer->len < UDP_HEADER_LEN + 8) {
        return 0;
    }

    const uint8_t *udp = data + outer->ofs;
    const uint8_t *hdr = udp + UDP_HEADER_LEN;
    uint32_t hdr_len;

    switch (ntohs(be16_at(udp + 2))) {
    case UDP_PORT_VXLAN:
    case UDP_PORT_VXLAN_OLD:
        hdr_len = 8;
        break;

    case UDP_PORT_GENEVE:
        if (be16_at(hdr + 2)
            != htons(ETH_TYPE_TEB)) {
            return 0;
        }
        hdr_len = 8 + (hdr[0] & 0x3f) * 4;
        break;

    default:
        return 0;
    }
    return outer->ofs + UDP_HEADER_LEN + hdr_len;
}

/* Examines 'p', just received from a device whose senders may leave checksums
 * partial, and tells Open vSwitch if its checksum is.  Where Open vSwitch
 * could not carry that knowledge along (inside a tunnel that may or may not
 * end here, behind IPv6 extension headers), completes the checksum instead.
 *
 * A checksum that is plainly wrong stays so: only one that equals the sum of
 * the pseudo-header is taken for partial, or for SCTP, which has none, 0.
 *
 * Returns true if the checksum was partial. */
bool
partial_csum_rx(struct dp_packet *p)
{
    uint8_t *data = dp_packet_data(p);
    uint32_t size = dp_packet_size(p);
    struct l4_location l4;
    uint32_t offset;

    if (!l4_locate(data, size, 0, &l4)) {
        return false;
    }

    if (l4_csum_is_partial(data, &l4, &offset)) {
        if (l4.has_options
            || !compat_packet_set_csum_partial(p, l4.proto, l4.ofs, offset)) {
            l4_csum_complete(data, &l4, offset);
        }
        return true;
    }

    /* SCTP has no pseudo-header; a sender that leaves its CRC32c to the device
     * stores 0. */
    if (l4.proto == IPPROTO_SCTP && l4.len >= SCTP_HEADER_LEN
        && !l4.has_options) {
        offset = offsetof(struct sctp_header, sctp_csum);
        return (!be16_at(data + l4.ofs + offset)
                && !be16_at(data + l4.ofs + offset + 2)
                && compat_packet_set_csum_partial(p, l4.proto, l4.ofs,
                                                  offset));
    }

    uint32_t inner = tunnel_payload(data, &l4);
    if (inner && l4_locate(data, l4.ofs + l4.len, inner, &l4)
        && l4_csum_is_partial(data, &l4, &offset)) {
        l4_csum_complete(data, &l4, offset);
        return true;
    }
    return false;
}

/* Tells Open vSwitch that the transport checksum of 'p' is partial, which its
 * sender has said in so many words, as a virtio driver does.  The sum in the
 * checksum field is not looked at: not every driver stores the same one, and
 * it is computed anew as the packet leaves.
 *
 * Returns false if 'p' has no transport header whose checksum could be
 * partial. */
bool
partial_csum_rx_told(struct dp_packet *p)
{
    uint8_t *data = dp_packet_data(p);
    struct l4_location l4;
    uint32_t offset;

    if (!l4_locate(data, dp_packet_size(p), 0, &l4)) {
        return false;
    }

    bool sctp = l4.proto == IPPROTO_SCTP && l4.len >= SCTP_HEADER_LEN;
    offset = (sctp ? offsetof(struct sctp_header, sctp_csum)
              : csum_offset(l4.proto, l4.len));
    if (!offset) {
        return false;
    }
    if (l4.proto == IPPROTO_UDP && !be16_at(data + l4.ofs + offset)) {
        ovs_be16 sum = sum_fold(l4.pseudo);

        /* Open vSwitch would take 0 for "no checksum". */
        memcpy(data + l4.ofs + offset, &sum, sizeof sum);
    }
    if (l4.has_options
        || !compat_packet_set_csum_partial(p, l4.proto, l4.ofs, offset)) {
        if (sctp) {
            return false;
        }

        ovs_be16 sum = sum_fold(l4.pseudo);
        memcpy(data + l4.ofs + offset, &sum, sizeof sum);
        l4_csum_complete(data, &l4, offset);
    }
    return true;
}

/* Completes the checksum of 'p', which a device could not, and returns
 * false. */
static __attribute__((noinline)) bool
tx_complete(struct dp_packet *p, const struct partial_csum *pc)
{
    partial_csum_complete(p, pc);
    return false;
}

/* Does what partial_csum_tx_proto() does for 'p', whose headers are at
 * 'l3_ofs' and 'l4_ofs', with 'addrs' the sum of the addresses of its
 * pseudo-header. */
static inline bool
tx_make_partial(struct dp_packet *p, uint8_t proto, uint32_t l3_ofs,
                uint32_t l4_ofs, uint64_t addrs, struct partial_csum *pc)
{
    uint8_t *data = dp_packet_data(p);
    uint32_t size = dp_packet_size(p);
    uint32_t len = size - p->l2_pad_size - l4_ofs;
    uint32_t ofs = (proto == IPPROTO_TCP ? offsetof(struct tcp_header,
                                                    tcp_csum)
                    : offsetof(struct udp_header, udp_csum));

    if (OVS_UNLIKELY(size < p->l2_pad_size + l4_ofs
                     || len < (proto == IPPROTO_TCP ? TCP_HEADER_LEN
                               : UDP_HEADER_LEN))) {
        return false;
    }

    ovs_be16 sum = sum_fold(addrs + sum_proto_len(proto, len));
    memcpy(data + l4_ofs + ofs, &sum, sizeof sum);

    pc->proto = proto;
    pc->ipv6 = IP_VER(data[l3_ofs]) != 4;
    pc->l3_ofs = l3_ofs;
    pc->start = l4_ofs;
    pc->len = len;
    pc->offset = ofs;

    /* A device sums up all bytes to the end of the packet.  If something
     * follows what the headers count, it would be wrong. */
    return OVS_LIKELY(!p->l2_pad_size) || tx_complete(p, pc);
}

/* Does what partial_csum_tx_proto() does for 'p', with IPv4 options or IPv6
 * extension headers from 'l3_ofs' to 'l4_ofs'.  A function of its own, since
 * it is rare. */
static __attribute__((noinline)) bool
tx_make_partial_options(struct dp_packet *p, uint8_t proto, uint32_t l3_ofs,
                        uint32_t l4_ofs, struct partial_csum *pc)
{
    const uint8_t *l3 = (const uint8_t *) dp_packet_data(p) + l3_ofs;
    uint32_t l3_len = l4_ofs - l3_ofs;
    uint64_t addrs;

    if (IP_VER(l3[0]) == 4) {
        const uint8_t *dst = ipv4_final_dst(l3, l3_len);

        if (!dst) {
            dst = l3 + offsetof(struct ip_header, ip_dst);
        }
        addrs = sum_words(0, l3 + offsetof(struct ip_header, ip_src), 4);
        addrs = sum_words(addrs, dst, 4);
    } else {
        uint32_t found_ofs;
        uint8_t found_proto;

        /* If a port that is not ours was told something that cannot be, the
         * addresses that were found till then have to do. */
        ipv6_options_locate(l3, l3_len, &found_ofs, &found_proto, &addrs);
    }
    return tx_make_partial(p, proto, l3_ofs, l4_ofs, addrs, pc);
}

/* Does what partial_csum_tx() does, for a caller that has asked already:
 * compat_packet_tx_csum_proto() gave 'proto', which is not 0, and 'inner'. */
bool
partial_csum_tx_proto(struct dp_packet *p, uint8_t proto, bool inner,
                      struct partial_csum *pc)
{
    uint32_t l3_ofs = inner ? p->inner_l3_ofs : p->l3_ofs;
    uint32_t l4_ofs = inner ? p->inner_l4_ofs : p->l4_ofs;
    const uint8_t *l3 = (const uint8_t *) dp_packet_data(p) + l3_ofs;
    uint32_t l3_len = l4_ofs - l3_ofs;

    /* UINT16_MAX stands for none. */
    if (OVS_UNLIKELY(l4_ofs == UINT16_MAX
                     || l4_ofs < l3_ofs + IP_HEADER_LEN)) {
        return false;
    }
    if (OVS_LIKELY(l3_len == IP_HEADER_LEN)) {
        return tx_make_partial(p, proto, l3_ofs, l4_ofs,
                               sum_words(0, l3 + offsetof(struct ip_header,
                                                          ip_src), 8), pc);
    } else if (OVS_LIKELY(l3_len == IPV6_HEADER_LEN
                          && IP_VER(l3[0]) != 4)) {
        l3 += offsetof(struct ovs_16aligned_ip6_hdr, ip6_src);
        return tx_make_partial(p, proto, l3_ofs, l4_ofs,
                               sum_words(0, l3, 32), pc);
    }
    return tx_make_partial_options(p, proto, l3_ofs, l4_ofs, pc);
}

/* Completes what partial_csum_tx() has left in 'pc', for a device that cannot
 * after all. */
void
partial_csum_complete(struct dp_packet *p, const struct partial_csum *pc)
{
    const struct l4_location l4 = {
        .ofs = pc->start,
        .len = pc->len,
        .proto = pc->proto,
    };

    l4_csum_complete(dp_packet_data(p), &l4, pc->offset);
}
