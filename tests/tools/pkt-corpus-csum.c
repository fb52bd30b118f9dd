/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* Finds and completes transport checksums, byte by byte: what the tests and
 * the fuzzer compare lib/partial-csum.c with. */

#include "pkt-corpus.h"

#include <assert.h>
#include <string.h>

#include "packet.h"

enum { HOP_BY_HOP = 0, TCP = 6, UDP = 17, ROUTING = 43, DST_OPTIONS = 60,
       SCTP = 132 };

static unsigned int
get16(const uint8_t *p)
{
    return p[0] << 8 | p[1];
}

/* The addresses that the pseudo-header of the packet at 'ip' has: not those of
 * its header if it passes through others, or comes from a mobile node. */
struct ends {
    uint8_t src[16], dst[16];
};

/* For IPv4, whose header is 'len' bytes long.  True if a source route tells
 * the destination. */
static bool
find_ends4(const uint8_t *ip, size_t len, struct ends *ends)
{
    memcpy(ends->src, ip + 12, 4);
    memcpy(ends->dst, ip + 16, 4);
    for (size_t i = 20, n; i < len && ip[i]; i += n) {
        if (ip[i] == 1) {
            n = 1;
            continue;
        }
        if (i + 2 > len || ip[i + 1] < 2 || i + ip[i + 1] > len) {
            return false;
        }
        n = ip[i + 1];
        if ((ip[i] & 0x7f) == 3 || (ip[i] & 0x7f) == 9) {
            if (ip[i] & 0x80 && n > 3 && !((n - 3) & 3)) {
                bool left = ip[i + 2] > 3 && ip[i + 2] < n - 2;

                if (left) {
                    memcpy(ends->dst, &ip[i + n - 4], 4);
                }
                return left;
            }
        }
    }
    return false;
}

/* Applies one IPv6 extension header of 'type'.  False if it leaves open where
 * the packet goes. */
static bool
apply_header(unsigned int type, const uint8_t *h, struct ends *ends)
{
    size_t len = (h[1] + 1) * 8;

    if (type == DST_OPTIONS) {
        for (size_t i = 2; i < len; ) {
            size_t n = !h[i] ? 1 : i + 1 < len ? 2 + h[i + 1] : len;

            if (i + n > len) {
                break;
            }
            if (h[i] == 201 && n == 18) {
                memcpy(ends->src, h + i + 2, 16);
            }
            i += n;
        }
    } else if (type == ROUTING && h[3]) {
        unsigned int same = h[4] & 15, pad = h[5] >> 4;

        switch (h[2]) {
        case 0:
            if (h[1] & 1 || 2 * h[3] > h[1]) {
                return false;
            }
            memcpy(ends->dst, h + len - 16, 16);
            break;
        case 2:
            if (h[1] != 2 || h[3] != 1) {
                return false;
            }
            memcpy(ends->dst, h + 8, 16);
            break;
        case 3:
            if (len + same < 24 + pad) {
                return false;
            }
            for (; same < 16; same++) {
                ends->dst[same] = h[len - pad - 16 + same];
            }
            break;
        case 4:
            if (h[1] < 2) {
                return false;
            }
            memcpy(ends->dst, h + 8, 16);
            break;
        default:
            return false;
        }
    }
    return true;
}

static bool
find_ends6(const uint8_t *ip, size_t len, struct ends *ends)
{
    unsigned int type = ip[6];

    memcpy(ends->src, ip + 8, 16);
    memcpy(ends->dst, ip + 24, 16);
    for (size_t i = 40; i < len; i += (ip[i + 1] + 1) * 8) {
        if (!apply_header(type, ip + i, ends)) {
            return false;
        }
        type = ip[i];
    }
    return true;
}

static bool
find(const uint8_t *frame, size_t from, size_t size, struct corpus_csum *c)
{
    size_t ofs = from + 12;
    unsigned int type;

    memset(c, 0, sizeof *c);
    for (int n_vlans = 0; ; n_vlans++) {
        if (size < ofs + 2) {
            return false;
        }
        type = get16(frame + ofs);
        ofs += 2;
        if ((type != 0x8100 && type != 0x88a8) || n_vlans == 2) {
            break;
        }
        ofs += 2;
    }

    const uint8_t *ip = frame + ofs;
    c->ip = ofs;
    if (type == 0x0800) {
        if (size < ofs + 20) {
            return false;
        }
        c->proto = ip[9];
        c->start = ofs + (ip[0] & 0xf) * 4;
        c->end = ofs + get16(ip + 2);
        if (ip[0] >> 4 != 4 || c->start < ofs + 20
            || get16(ip + 6) & 0x3fff) {
            return false;
        }
    } else if (type == 0x86dd) {
        if (size < ofs + 40 || ip[0] >> 4 != 6) {
            return false;
        }
        c->ipv6 = true;
        c->proto = ip[6];
        c->start = ofs + 40;
        c->end = c->start + get16(ip + 4);
        while (c->proto == HOP_BY_HOP || c->proto == ROUTING
               || c->proto == DST_OPTIONS) {
            if (c->start + 8 > c->end || c->end > size) {
                return false;
            }
            c->extended = true;
            c->proto = frame[c->start];
            c->start += (frame[c->start + 1] + 1) * 8;
        }
    } else {
        return false;
    }
    if (c->end > size || c->start > c->end) {
        return false;
    }

    struct ends ends;
    if (c->ipv6) {
        if (!find_ends6(ip, c->start - c->ip, &ends)) {
            return false;
        }
    } else if (find_ends4(ip, c->start - c->ip, &ends)) {
        c->extended = true;
    }

    size_t len = c->end - c->start;
    c->type = CORPUS_CSUM_INET;
    if (c->proto == TCP && len >= 20) {
        c->field = c->start + 16;
    } else if (c->proto == UDP && len >= 8) {
        c->field = c->start + 6;
    } else if (c->proto == SCTP && len >= 12) {
        c->type = CORPUS_CSUM_SCTP;
        c->field = c->start + 8;
    } else {
        c->type = CORPUS_CSUM_OTHER;
    }
    return true;
}

/* Finds the transport checksum of a frame.  False if no sender would leave it
 * to a device: the packet is cut off, or a fragment. */
bool
corpus_csum_find(const uint8_t *frame, size_t size, struct corpus_csum *c)
{
    return find(frame, 0, size, c) && c->type != CORPUS_CSUM_OTHER;
}

/* Finds that of the frame inside of VXLAN or Geneve in UDP, which 'outer' is
 * the checksum of. */
bool
corpus_csum_find_inner(const uint8_t *frame, const struct corpus_csum *outer,
                       struct corpus_csum *inner)
{
    size_t hdr = outer->start + 8;

    if (outer->proto != UDP || outer->end < hdr + 8) {
        return false;
    }
    switch (get16(frame + outer->start + 2)) {
    case 4789:
    case 8472:
        hdr += 8;
        break;
    case 6081:
        if (get16(frame + hdr + 2) != 0x6558) {
            return false;
        }
        hdr += 8 + (frame[hdr] & 63) * 4;
        break;
    default:
        return false;
    }
    return (find(frame, hdr, outer->end, inner)
            && inner->type == CORPUS_CSUM_INET);
}

static uint32_t
pseudo_sum(const uint8_t *frame, const struct corpus_csum *c)
{
    uint32_t sum = c->proto + (c->end - c->start);
    size_t n = c->ipv6 ? 16 : 4;
    struct ends ends;

    if (c->ipv6) {
        find_ends6(frame + c->ip, c->start - c->ip, &ends);
    } else {
        find_ends4(frame + c->ip, c->start - c->ip, &ends);
    }
    return packet_sum(ends.src, n, packet_sum(ends.dst, n, sum));
}

/* The CRC of RFC 9260, with the field itself taken for zeros. */
static uint32_t
sctp_crc(const uint8_t *frame, const struct corpus_csum *c)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = c->start; i < c->end; i++) {
        crc ^= i >= c->field && i < c->field + 4 ? 0 : frame[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
        }
    }
    return ~crc;
}

/* True if the sender has left the checksum to a device. */
bool
corpus_csum_is_partial(const uint8_t *frame, const struct corpus_csum *c)
{
    if (c->type == CORPUS_CSUM_SCTP) {
        return !get16(frame + c->field) && !get16(frame + c->field + 2);
    }
    return get16(frame + c->field) == packet_fold(pseudo_sum(frame, c));
}

bool
corpus_csum_is_complete(const uint8_t *frame, const struct corpus_csum *c)
{
    if (c->type == CORPUS_CSUM_SCTP) {
        uint32_t crc = sctp_crc(frame, c);

        for (int i = 0; i < 4; i++) {
            if (frame[c->field + i] != (crc >> i * 8 & 0xff)) {
                return false;
            }
        }
        return true;
    }
    return (packet_fold(packet_sum(frame + c->start, c->end - c->start,
                                   pseudo_sum(frame, c))) == 0xffff
            && (c->proto != UDP || get16(frame + c->field)));
}

/* Stores the complete checksum, whatever is there now. */
void
corpus_csum_complete(uint8_t *frame, const struct corpus_csum *c)
{
    if (c->type == CORPUS_CSUM_SCTP) {
        uint32_t crc = sctp_crc(frame, c);

        for (int i = 0; i < 4; i++) {
            frame[c->field + i] = crc >> i * 8;
        }
        return;
    }
    frame[c->field] = frame[c->field + 1] = 0;

    uint16_t sum = ~packet_fold(packet_sum(frame + c->start,
                                           c->end - c->start,
                                           pseudo_sum(frame, c)));
    if (!sum && c->proto == UDP) {
        sum = 0xffff;
    }
    frame[c->field] = sum >> 8;
    frame[c->field + 1] = sum;
    assert(corpus_csum_is_complete(frame, c));
}
