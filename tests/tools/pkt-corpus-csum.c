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
    const uint8_t *ip = frame + c->ip;
    uint32_t sum = c->proto + (c->end - c->start);

    return (c->ipv6 ? packet_sum(ip + 8, 32, sum)
            : packet_sum(ip + 12, 8, sum));
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
