/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* Headers of packets from the guest: checksums and segments that are not there
 * or make no sense. */

#include "vhost-hostile-act.h"

#include <errno.h>
#include <string.h>

#include "packet.h"
#include "vhost-frontend.h"

/* Frames; see build_payload(). */
enum payload {
    TCP4, TCP6, UDP4, UDP6, TCP4_BIG, TCP6_BIG, UDP4_BIG, TCP4_VLAN, FRAGMENT,
    ARP, TINY, BAD_IHL, BAD_TCP_OFS, BAD_TOT_LEN, BAD_IP6_LEN, TCP4_OPTIONS,
    TCP6_OPTIONS, N_PAYLOADS
};

struct bad_header {
    struct vfe_net_hdr hdr;
    enum payload payload;
};

/* Writes a frame of that kind.  Returns its size. */
static size_t
build_payload(int payload, uint8_t *frame, size_t max)
{
    struct packet_spec spec = {
        .eth_dst = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
        .eth_src = { 2, 0, 0, 0, 0, 0xfe },
        .ip_version = (payload == TCP6 || payload == UDP6
                       || payload == TCP6_BIG || payload == TCP6_OPTIONS
                       || payload == BAD_IP6_LEN ? 6 : 4),
        .ip_src = { 10, 255, 0, 1 }, .ip_dst = { 10, 255, 0, 2 },
        .tcp = payload != UDP4 && payload != UDP6 && payload != UDP4_BIG
               && payload != FRAGMENT,
        .sport = 1111, .dport = 2222, .payload_len = 200, .seed = 1,
        .csum = PACKET_CSUM_PARTIAL,
    };
    struct packet_place place;

    switch (payload) {
    case TCP4_BIG:
    case TCP6_BIG:
    case UDP4_BIG:
        spec.payload_len = 8000;
        break;
    case TCP4_VLAN:
        spec.n_vlans = 2;
        spec.vlans[0] = 10;
        spec.vlans[1] = 20;
        break;
    case FRAGMENT:
        spec.frag = 0x2001;
        break;
    case TCP4_OPTIONS:
        spec.n_options = 40;
        break;
    case TCP6_OPTIONS:
        spec.n_options = 64;
        break;
    default:
        break;
    }

    size_t size = packet_build(&spec, frame, max, &place);
    switch (payload) {
    case ARP:
        frame[12] = 8;
        frame[13] = 6;
        break;
    case TINY:
        size = 10;
        break;
    case BAD_IHL:
        frame[place.ip] = 0x4f;
        size = place.ip + 20;
        break;
    case BAD_TCP_OFS:
        frame[place.l4 + 12] = 0xf0;
        size = place.l4 + 24;
        break;
    case BAD_TOT_LEN:
        frame[place.ip + 2] = 0xff;
        break;
    case BAD_IP6_LEN:
        frame[place.ip + 4] = 0xff;
        break;
    default:
        break;
    }
    return size;
}

/* The header 'bad' with the packet that belongs to it. */
static const char *
bad_header(struct ctx *ctx)
{
    const struct bad_header *bad = ctx->what->bad;
    static uint8_t frame[VFE_MAX_FRAME];
    size_t size = build_payload(bad->payload, frame, sizeof frame);

    if (vfe_tx(ctx->vfe, ctx->tx, &bad->hdr, frame, size)) {
        return HOSTILE_NO_ANSWER;
    }
    return act_judge_ring(ctx, ctx->tx);
}

/* Writes a frame that nobody can object to.  Returns its size. */
size_t
act_good_frame(uint8_t *frame, size_t max)
{
    return build_payload(TCP4, frame, max);
}

static const char *random_headers(struct ctx *);

#define HDR(NAME, FLAGS, PAYLOAD, BITS, TYPE, HDR_LEN, SIZE, START, OFFSET,  \
            BUFFERS, WHAT)                                                   \
    { NAME, bad_header, FLAGS, 0, WHAT,                                      \
      &(const struct bad_header) { { BITS, TYPE, HDR_LEN, SIZE, START,       \
                                     OFFSET, BUFFERS }, PAYLOAD } }

const struct hostile hostile_headers[] = {
    /* Flags; kind, header length and size of segments; start and offset of
     * the checksum; number of buffers. */
    HDR("hdr-csum-end", 0, TCP4, 1, 0, 0, 0, 254, 16, 0,
        "checksum over nothing, at the end"),
    HDR("hdr-csum-beyond", 0, TCP4, 1, 0, 0, 0, 4000, 16, 0,
        "checksum behind the packet"),
    HDR("hdr-csum-max", 0, TCP4, 1, 0, 0, 0, 65535, 65535, 0,
        "checksum beyond 64 KB"),
    HDR("hdr-csum-last", 0, TCP4, 1, 0, 0, 0, 34, 219, 0,
        "checksum half behind the packet"),
    HDR("hdr-csum-offset-max", 0, TCP4, 1, 0, 0, 0, 34, 65535, 0,
        "checksum 64 KB from its start"),
    HDR("hdr-csum-wrap", 0, TCP4, 1, 0, 0, 0, 34, 65518, 0,
        "start and offset are small, in 16 bits"),
    HDR("hdr-csum-ethernet", 0, TCP4, 1, 0, 0, 0, 0, 0, 0,
        "checksum in the MAC address"),
    HDR("hdr-csum-ip", 0, TCP4, 1, 0, 0, 0, 14, 10, 0,
        "checksum in the IP header"),
    HDR("hdr-csum-elsewhere", 0, TCP4, 1, 0, 0, 0, 34, 6, 0,
        "UDP's checksum in TCP"),
    HDR("hdr-csum-arp", 0, ARP, 1, 0, 0, 0, 34, 16, 0,
        "checksum in ARP"),
    HDR("hdr-csum-fragment", 0, FRAGMENT, 1, 0, 0, 0, 34, 6, 0,
        "checksum in a fragment"),
    HDR("hdr-csum-tiny", 0, TINY, 1, 0, 0, 0, 34, 16, 0,
        "checksum in 10 bytes"),
    HDR("hdr-csum-vlan", 0, TCP4_VLAN, 1, 0, 0, 0, 34, 16, 0,
        "checksum in the wrong place behind VLAN tags"),
    HDR("hdr-csum-ihl", 0, BAD_IHL, 1, 0, 0, 0, 34, 16, 0,
        "IP header longer than the packet"),
    HDR("hdr-csum-length", 0, BAD_TOT_LEN, 1, 0, 0, 0, 34, 16, 0,
        "IP longer than the packet"),
    HDR("hdr-csum-length6", 0, BAD_IP6_LEN, 1, 0, 0, 0, 54, 16, 0,
        "IPv6 longer than the packet"),
    HDR("hdr-csum-options6", 0, TCP6_OPTIONS, 1, 0, 0, 0, 118, 16, 0,
        "checksum behind IPv6 options (allowed)"),
    HDR("hdr-csum-unasked", NO_CSUM, TCP4, 1, 0, 0, 0, 34, 16, 0,
        "partial checksum without that feature"),
    HDR("hdr-flags", 0, TCP4, 255, 0, 0, 0, 34, 16, 0,
        "flags that do not exist"),
    HDR("hdr-gso-0", 0, TCP4_BIG, 1, 1, 54, 0, 34, 16, 0,
        "segments of 0 bytes"),
    HDR("hdr-gso-1", 0, TCP4_BIG, 1, 1, 54, 1, 34, 16, 0,
        "segments of 1 byte"),
    HDR("hdr-gso-1-6", 0, TCP6_BIG, 1, 4, 74, 1, 54, 16, 0,
        "segments of 1 byte, IPv6"),
    HDR("hdr-gso-max", 0, TCP4_BIG, 1, 1, 54, 65535, 34, 16, 0,
        "segments of 65535 bytes"),
    HDR("hdr-gso-no-csum", 0, TCP4_BIG, 0, 1, 54, 1000, 0, 0, 0,
        "segments without a checksum"),
    HDR("hdr-gso-unknown", 0, TCP4_BIG, 1, 7, 54, 1000, 34, 16, 0,
        "unknown kind of segments"),
    HDR("hdr-gso-ufo", 0, UDP4_BIG, 1, 3, 42, 1000, 34, 6, 0,
        "UDP fragments"),
    HDR("hdr-gso-uso", 0, UDP4_BIG, 1, 5, 42, 1000, 34, 6, 0,
        "UDP segments"),
    HDR("hdr-gso-ecn", 0, TCP4_BIG, 1, 0x80, 54, 1000, 34, 16, 0,
        "ECN without segments"),
    HDR("hdr-gso-udp", 0, UDP4_BIG, 1, 1, 42, 1000, 34, 6, 0,
        "TCP segments of UDP"),
    HDR("hdr-gso-arp", 0, ARP, 1, 1, 54, 100, 34, 16, 0,
        "TCP segments of ARP"),
    HDR("hdr-gso-version", 0, TCP4_BIG, 1, 4, 54, 1000, 34, 16, 0,
        "IPv6 segments of IPv4"),
    HDR("hdr-gso-hdr-0", 0, TCP4_BIG, 1, 1, 0, 1000, 34, 16, 0,
        "header of length 0"),
    HDR("hdr-gso-hdr-max", 0, TCP4_BIG, 1, 1, 65535, 1000, 34, 16, 0,
        "header of 65535 bytes"),
    HDR("hdr-gso-tcp", 0, BAD_TCP_OFS, 1, 1, 54, 8, 34, 16, 0,
        "TCP header longer than the packet"),
    HDR("hdr-gso-ihl", 0, BAD_IHL, 1, 1, 54, 8, 34, 16, 0,
        "IP header longer than the packet"),
    HDR("hdr-gso-length", 0, BAD_TOT_LEN, 1, 1, 54, 100, 34, 16, 0,
        "IP longer than the packet"),
    HDR("hdr-gso-tiny", 0, TINY, 1, 1, 54, 100, 34, 16, 0,
        "segments of 10 bytes"),
    HDR("hdr-gso-fragment", 0, FRAGMENT, 1, 1, 42, 100, 34, 6, 0,
        "segments of a fragment"),
    HDR("hdr-gso-options6", 0, TCP6_OPTIONS, 1, 4, 138, 50, 118, 16, 0,
        "segments behind IPv6 options (allowed)"),
    HDR("hdr-gso-vlan", 0, TCP4_VLAN, 1, 1, 62, 50, 42, 16, 0,
        "segments behind VLAN tags (allowed)"),
    HDR("hdr-gso-options", 0, TCP4_OPTIONS, 1, 1, 94, 50, 74, 16, 0,
        "segments behind IP options (allowed)"),
    HDR("hdr-buffers", 0, TCP4, 0, 0, 0, 0, 0, 0, 65535,
        "number of buffers 65535"),
    CASE("hdr-random", random_headers, 0, 0, "a thousand by chance"),

    HOSTILE_END
};

/* A thousand headers by chance, with packets that suit them more or less. */
static const char *
random_headers(struct ctx *ctx)
{
    static uint8_t frame[VFE_MAX_FRAME];
    uint32_t state = 1;

    for (int i = 0; i < 1000; i++) {
        size_t size = build_payload(packet_random(&state) % N_PAYLOADS,
                                    frame, sizeof frame);
        const struct hostile *what;
        struct vfe_net_hdr hdr;

        /* The last two are this one, and the end. */
        what = &hostile_headers[packet_random(&state)
                                % (N_ELEMS(hostile_headers) - 2)];
        hdr = what->bad->hdr;
        for (int j = packet_random(&state) % 4; j > 0; j--) {
            ((uint8_t *) &hdr)[packet_random(&state) % sizeof hdr]
                = packet_random(&state);
        }
        for (int j = packet_random(&state) % 4; j > 0; j--) {
            size_t end = size < 80 ? size : 80;

            frame[packet_random(&state) % end] = packet_random(&state);
        }
        while (vfe_tx(ctx->vfe, ctx->tx, &hdr, frame, size) == EAGAIN) {
            int error = vfe_wait(ctx->vfe, ctx->tx, ctx->vfe->timeout_ms);

            if (error) {
                return act_error(error);
            }
        }
    }

    int error = vfe_tx_drain(ctx->vfe, ctx->tx);
    if (error) {
        return act_error(error);
    }

    const char *result = act_settle(ctx);
    return strcmp(result, HOSTILE_IGNORED) ? result : HOSTILE_DROPPED;
}
