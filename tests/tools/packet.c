/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* Makes Ethernet frames and judges them, byte by byte. */

#include "packet.h"

#include <assert.h>
#include <string.h>

enum { TCP = 6, UDP = 17, IPV6_DST_OPTIONS = 60 };

/* Returns the next of a sequence of random numbers.  '*state' is not 0. */
uint32_t
packet_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* Adds to 'sum' the 'n' bytes at 'p' as big-endian 16-bit numbers.  Carries
 * stay above bit 15; n is below 128 kB, so that they do not overflow. */
uint32_t
packet_sum(const uint8_t *p, size_t n, uint32_t sum)
{
    for (size_t i = 0; i < n; i++) {
        sum += i % 2 ? p[i] : p[i] << 8;
    }
    return sum;
}

uint16_t
packet_fold(uint32_t sum)
{
    while (sum > 0xffff) {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    return sum;
}

const char *
packet_csum_name(enum packet_csum csum)
{
    static const char *names[] = {
#define X(ID, NAME) NAME,
        PACKET_CSUMS
#undef X
    };

    return names[csum];
}

static void
put16(uint8_t *p, uint16_t value)
{
    p[0] = value >> 8;
    p[1] = value;
}

static uint16_t
get16(const uint8_t *p)
{
    return p[0] << 8 | p[1];
}

/* Writes the frame that 'spec' describes to the 'max' bytes at 'frame', and to
 * '*place' where its parts are.  Returns its size. */
size_t
packet_build(const struct packet_spec *spec, uint8_t *frame, size_t max,
             struct packet_place *place)
{
    size_t addr_len = spec->ip_version == 4 ? 4 : 16;
    size_t l4_len = spec->tcp ? 20 : 8;
    uint8_t proto = spec->tcp ? TCP : UDP;
    uint8_t *p = frame;

    assert(14 + 8 + 40 + spec->n_options + l4_len + spec->payload_len <= max);
    memcpy(p, spec->eth_dst, 6);
    memcpy(p + 6, spec->eth_src, 6);
    p += 12;
    for (int i = 0; i < spec->n_vlans; i++) {
        put16(p, spec->n_vlans == 2 && !i ? 0x88a8 : 0x8100);
        put16(p + 2, spec->vlans[i]);
        p += 4;
    }
    put16(p, spec->ip_version == 4 ? 0x0800 : 0x86dd);
    p += 2;

    uint8_t *ip = p;
    size_t after_ip = spec->n_options + l4_len + spec->payload_len;
    if (spec->ip_version == 4) {
        memset(p, 0, 20);
        p[0] = 0x40 | (20 + spec->n_options) / 4;
        put16(p + 2, 20 + after_ip);
        put16(p + 4, spec->seed);
        put16(p + 6, spec->frag);
        p[8] = 64;
        p[9] = proto;
        memcpy(p + 12, spec->ip_src, 4);
        memcpy(p + 16, spec->ip_dst, 4);
        memset(p + 20, 1, spec->n_options);     /* "No operation". */
        p += 20 + spec->n_options;
        put16(ip + 10, ~packet_fold(packet_sum(ip, p - ip, 0)));
    } else {
        memset(p, 0, 40);
        p[0] = 0x60;
        put16(p + 4, after_ip);
        p[6] = spec->n_options ? IPV6_DST_OPTIONS : proto;
        p[7] = 64;
        memcpy(p + 8, spec->ip_src, 16);
        memcpy(p + 24, spec->ip_dst, 16);
        p += 40;
        for (size_t i = 0; i < spec->n_options; i += 8) {
            bool last = i + 8 == spec->n_options;

            memset(p, 0, 8);
            p[0] = last ? proto : IPV6_DST_OPTIONS;
            p[2] = 1;                           /* Padding... */
            p[3] = 4;                           /* ...of four more bytes. */
            p += 8;
        }
    }

    uint8_t *l4 = p;
    memset(p, 0, l4_len);
    put16(p, spec->sport);
    put16(p + 2, spec->dport);
    if (spec->tcp) {
        put16(p + 6, 1);                        /* Sequence number. */
        p[12] = 5 << 4;
        p[13] = 0x02;                           /* SYN. */
        put16(p + 14, 0xffff);
    } else {
        put16(p + 4, l4_len + spec->payload_len);
    }
    p += l4_len;
    if (spec->payload) {
        memcpy(p, spec->payload, spec->payload_len);
    } else {
        uint32_t state = spec->seed * 2654435761u | 1;

        for (size_t i = 0; i < spec->payload_len; i++) {
            p[i] = packet_random(&state) >> 8;
        }
    }
    p += spec->payload_len;

    place->n_vlans = spec->n_vlans;
    place->ip_version = spec->ip_version;
    place->proto = proto;
    place->ip = ip - frame;
    place->l4 = l4 - frame;
    place->csum = place->l4 + (spec->tcp ? 16 : 6);
    place->payload = place->l4 + l4_len;
    place->end = p - frame;

    uint32_t pseudo = (packet_sum(spec->ip_src, addr_len, 0)
                       + packet_sum(spec->ip_dst, addr_len, 0)
                       + proto + (p - l4));
    uint16_t good = ~packet_fold(packet_sum(l4, p - l4, pseudo));
    if (!good && !spec->tcp) {
        good = 0xffff;
    }

    uint16_t csum = 0;
    switch (spec->csum) {
    case PACKET_CSUM_GOOD:
        csum = good;
        break;
    case PACKET_CSUM_BAD:
        csum = good;
        do {
            csum ^= 0x5a5a;
            csum++;
        } while (!csum || csum == 0xffff || csum == good
                 || csum == packet_fold(pseudo));
        break;
    case PACKET_CSUM_PARTIAL:
        csum = packet_fold(pseudo);
        break;
    case PACKET_CSUM_NONE:
    case PACKET_N_CSUMS:
        break;
    }
    put16(frame + place->csum, csum);
    return p - frame;
}

/* Finds the TCP or UDP header of a frame.  False if it has none, or if it is a
 * fragment. */
bool
packet_find(const uint8_t *frame, size_t size, struct packet_place *place)
{
    size_t ofs = 12;

    place->n_vlans = 0;
    for (;;) {
        if (size < ofs + 2 + 20) {
            return false;
        }

        uint16_t type = get16(frame + ofs);

        if (type == 0x8100 || type == 0x88a8) {
            place->n_vlans++;
            ofs += 4;
        } else if (type == 0x0800 || type == 0x86dd) {
            place->ip_version = type == 0x0800 ? 4 : 6;
            ofs += 2;
            break;
        } else {
            return false;
        }
    }

    const uint8_t *ip = frame + ofs;
    place->ip = ofs;
    if (place->ip_version == 4) {
        place->proto = ip[9];
        place->l4 = ofs + (ip[0] & 0xf) * 4;
        place->end = ofs + get16(ip + 2);
        if (get16(ip + 6) & 0x3fff) {
            return false;
        }
    } else {
        if (size < ofs + 40) {
            return false;
        }
        place->proto = ip[6];
        place->l4 = ofs + 40;
        place->end = ofs + 40 + get16(ip + 4);
        while (place->proto == IPV6_DST_OPTIONS && place->l4 + 8 <= size) {
            place->proto = frame[place->l4];
            place->l4 += 8 + frame[place->l4 + 1] * 8;
        }
    }
    place->csum = place->l4 + (place->proto == TCP ? 16 : 6);
    place->payload = place->l4 + (place->proto == TCP ? 20 : 8);
    return ((place->proto == TCP || place->proto == UDP)
            && place->payload <= place->end && place->end <= size);
}

uint32_t
packet_pseudo_sum(const uint8_t *frame, const struct packet_place *place)
{
    const uint8_t *ip = frame + place->ip;
    uint32_t sum = place->proto + (place->end - place->l4);

    return (place->ip_version == 4 ? packet_sum(ip + 12, 8, sum)
            : packet_sum(ip + 8, 32, sum));
}

/* True if the checksum of a frame whose parts are at 'place' is the sum of the
 * pseudo-header.  By chance, one of 65,536 complete ones is, too. */
bool
packet_csum_is_pseudo(const uint8_t *frame, const struct packet_place *place)
{
    return (get16(frame + place->csum)
            == packet_fold(packet_pseudo_sum(frame, place)));
}

/* Returns the state of the checksum of a frame whose parts are at 'place'. */
enum packet_csum
packet_check(const uint8_t *frame, const struct packet_place *place)
{
    uint32_t pseudo = packet_pseudo_sum(frame, place);
    uint16_t csum = get16(frame + place->csum);

    if (place->proto == UDP && !csum) {
        return place->ip_version == 4 ? PACKET_CSUM_NONE : PACKET_CSUM_BAD;
    } else if (packet_fold(packet_sum(frame + place->l4,
                                      place->end - place->l4,
                                      pseudo)) == 0xffff) {
        return PACKET_CSUM_GOOD;
    }
    return (packet_csum_is_pseudo(frame, place)
            ? PACKET_CSUM_PARTIAL : PACKET_CSUM_BAD);
}
