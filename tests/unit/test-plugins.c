/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* Unit tests of lib/partial-csum.c, with random packets.  What is expected
 * comes from packet.c, which shares no code with it.
 *
 * The tests go the way of a packet: partial_csum_rx() sees it as it arrives,
 * Open vSwitch parses it (and maybe rewrites it), and in the end either Open
 * vSwitch completes the checksum, or partial_csum_tx() leaves that to the
 * kernel. */

#include "partial-csum.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dp-packet.h"
#include "flow.h"
#include "ovs-compat.h"
#include "packet.h"
#include "packets.h"
#include "util.h"

#define MAX_FRAME 2048
#define N_PACKETS 20000

static uint32_t state = 20260101;

/* Returns a random number below 'n'. */
static uint32_t
rnd(uint32_t n)
{
    return (packet_random(&state) >> 4) % n;
}

static void
rnd_bytes(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        p[i] = packet_random(&state) >> 8;
    }
}

/* Gives 'spec' a payload, in 'buf', with which the sum over all that a
 * complete checksum covers is 0xffff.  The checksum is 0 then, which UDP sends
 * as 0xffff. */
static void
make_csum_zero(struct packet_spec *spec, uint8_t *buf)
{
    uint8_t frame[MAX_FRAME];
    struct packet_place place;
    enum packet_csum csum = spec->csum;

    rnd_bytes(buf, spec->payload_len);
    buf[0] = buf[1] = 0;
    spec->payload = buf;
    spec->csum = PACKET_CSUM_NONE;
    packet_build(spec, frame, sizeof frame, &place);
    spec->csum = csum;

    uint16_t sum = packet_fold(packet_sum(frame + place.l4,
                                          place.end - place.l4,
                                          packet_pseudo_sum(frame, &place)));
    buf[0] = (0xffff - sum) >> 8;
    buf[1] = 0xffff - sum;
}

/* Returns a random packet.  Its payload may be in memory that the call after
 * the next uses again. */
static struct packet_spec
rnd_spec(void)
{
    static uint8_t payloads[2][MAX_FRAME];
    static unsigned int n;
    struct packet_spec spec = {
        .n_vlans = rnd(3),
        .ip_version = rnd(2) ? 4 : 6,
        .tcp = rnd(2),
        .sport = 1024 + rnd(2048),
        .dport = 1024 + rnd(2048),
        .csum = rnd(PACKET_N_CSUMS),
        .payload_len = rnd(4) ? rnd(1400) : rnd(4),
        .seed = packet_random(&state),
    };

    rnd_bytes(spec.eth_dst, 6);
    rnd_bytes(spec.eth_src, 6);
    spec.eth_src[0] &= 0xfe;
    for (int i = 0; i < 2; i++) {
        spec.vlans[i] = rnd(65536);
    }
    rnd_bytes(spec.ip_src, 16);
    rnd_bytes(spec.ip_dst, 16);
    if (!rnd(4)) {
        spec.n_options = (spec.ip_version == 4 ? 4 * (1 + rnd(10))
                          : 8 * (1 + rnd(3)));
    }
    if (spec.payload_len >= 2 && !rnd(16)) {
        make_csum_zero(&spec, payloads[n++ % 2]);
    }
    return spec;
}

/* Returns a packet of just these bytes, and room in front. */
static struct dp_packet *
packet_from(const uint8_t *frame, size_t size)
{
    struct dp_packet *p = dp_packet_new_with_headroom(size, 128);

    memcpy(dp_packet_put_uninit(p, size), frame, size);
    return p;
}

static void
dump(const char *title, const uint8_t *frame, size_t size)
{
    printf("%s:", title);
    for (size_t i = 0; i < size; i++) {
        printf(" %02x", frame[i]);
    }
    putchar('\n');
}

/* Fails unless 'p' holds the 'size' bytes at 'expected'. */
static void
expect_frame(const struct dp_packet *p, const uint8_t *expected, size_t size,
             const char *what)
{
    if (dp_packet_size(p) != size
        || memcmp(dp_packet_data(p), expected, size)) {
        printf("%s: the packet is not as expected\n", what);
        dump("expected", expected, size);
        dump("is", dp_packet_data(p), dp_packet_size(p));
        exit(1);
    }
}

static void
expect(bool condition, const char *what, const uint8_t *frame, size_t size)
{
    if (!condition) {
        printf("%s\n", what);
        dump("frame", frame, size);
        exit(1);
    }
}

/* Does what the kernel does for CHECKSUM_PARTIAL. */
static void
kernel_completes(uint8_t *frame, size_t end, size_t start, size_t offset,
                 bool udp)
{
    uint16_t csum = ~packet_fold(packet_sum(frame + start, end - start, 0));

    if (!csum && udp) {
        csum = 0xffff;
    }
    frame[start + offset] = csum >> 8;
    frame[start + offset + 1] = csum;
}

/* As a port that looks for partial checksums does.  Returns true if that of
 * 'p' was partial. */
static bool
receive(struct dp_packet *p)
{
    bool unlikely = (dp_packet_size(p) >= PARTIAL_CSUM_LOOK_LEN
                     && partial_csum_is_unlikely(dp_packet_data(p)));
    bool partial = partial_csum_rx(p);

    ovs_assert(!unlikely || !partial);
    return partial;
}

static void
parse(struct dp_packet *p)
{
    struct flow flow;

    flow_extract(p, &flow);
}

/* Writes to 'good' the frame of 'spec' as it must be in the end: with a
 * correct checksum if it is taken for partial, otherwise unchanged.  Returns
 * whether it is. */
static bool
build_expected(const struct packet_spec *spec, const uint8_t *frame,
               size_t size, const struct packet_place *place, uint8_t *good)
{
    uint16_t csum = frame[place->csum] << 8 | frame[place->csum + 1];
    bool partial = (!spec->frag
                    && csum == packet_fold(packet_pseudo_sum(frame, place)));

    memcpy(good, frame, size);
    if (partial) {
        struct packet_spec good_spec = *spec;
        struct packet_place unused;
        uint8_t buf[MAX_FRAME];

        good_spec.csum = PACKET_CSUM_GOOD;
        packet_build(&good_spec, buf, sizeof buf, &unused);
        memcpy(good + place->csum, buf + place->csum, 2);
    }
    return partial;
}

/* Partial checksums are found, and nothing else is taken for one; what Open
 * vSwitch then sends from a port that does no checksums is right. */
static void
test_rx(void)
{
    unsigned int n_partial = 0;

    for (int i = 0; i < N_PACKETS; i++) {
        struct packet_spec spec = rnd_spec();
        struct packet_place place;
        uint8_t frame[MAX_FRAME], good[MAX_FRAME];

        if (spec.ip_version == 4 && !rnd(8)) {
            spec.frag = rnd(2) ? 0x2000 : 1 + rnd(0x1fff);
        }

        size_t size = packet_build(&spec, frame, sizeof frame, &place);
        size_t padding = rnd(3) ? 0 : rnd(20);
        rnd_bytes(frame + size, padding);
        size += padding;

        bool partial = build_expected(&spec, frame, size, &place, good);
        struct dp_packet *p = packet_from(frame, size);

        expect(receive(p) == partial,
               partial ? "a partial checksum was not found"
               : "a checksum was wrongly taken for partial", frame, size);
        parse(p);
        dp_packet_ol_send_prepare(p, 0);
        expect_frame(p, good, size, "after software completion");
        dp_packet_delete(p);
        n_partial += partial;
    }
    printf("%d packets\n", N_PACKETS);
    expect(n_partial > N_PACKETS / 10, "too few partial", NULL, 0);
}

/* The kernel can complete what partial_csum_tx() says it shall, also when
 * Open vSwitch has changed the addresses. */
static void
test_tx(void)
{
    for (int i = 0; i < N_PACKETS; i++) {
        struct packet_spec spec = rnd_spec();
        struct packet_place place;
        uint8_t frame[MAX_FRAME], good[MAX_FRAME];
        struct partial_csum pc;

        /* Behind IPv6 extension headers, it is completed upon arrival. */
        if (spec.ip_version == 6) {
            spec.n_options = 0;
        }

        size_t size = packet_build(&spec, frame, sizeof frame, &place);
        bool partial = build_expected(&spec, frame, size, &place, good);
        struct dp_packet *p = packet_from(frame, size);

        receive(p);
        parse(p);
        if (partial && rnd(2)) {
            rnd_bytes(spec.ip_src, 16);
            rnd_bytes(spec.ip_dst, 16);
            if (spec.ip_version == 4) {
                ovs_be32 src, dst;

                memcpy(&src, spec.ip_src, 4);
                memcpy(&dst, spec.ip_dst, 4);
                packet_set_ipv4(p, src, dst, 0, 64);
            } else {
                struct in6_addr src, dst;

                memcpy(&src, spec.ip_src, 16);
                memcpy(&dst, spec.ip_dst, 16);
                packet_set_ipv6(p, &src, &dst, 0, 0, 64);
            }
            spec.csum = PACKET_CSUM_GOOD;
            packet_build(&spec, good, sizeof good, &place);
        }

        expect(partial_csum_tx(p, &pc) == partial,
               partial ? "nothing is left to the kernel"
               : "a complete checksum is left to the kernel", frame, size);
        if (partial) {
            expect(pc.start == place.l4
                   && pc.start + pc.offset == place.csum,
                   "the wrong place is left to the kernel", frame, size);
            kernel_completes(dp_packet_data(p), place.end, pc.start,
                             pc.offset, !spec.tcp);
        }
        expect_frame(p, good, size, "after completion by the kernel");
        dp_packet_delete(p);
    }
    printf("%d packets\n", N_PACKETS);
}

/* A packet that is cut off somewhere is left alone, and nothing beyond its end
 * is touched. */
static void
test_truncated(void)
{
    for (int i = 0; i < N_PACKETS; i++) {
        struct packet_spec spec = rnd_spec();
        struct packet_place place;
        uint8_t frame[MAX_FRAME];

        spec.csum = PACKET_CSUM_PARTIAL;

        size_t size = rnd(packet_build(&spec, frame, sizeof frame, &place));
        struct dp_packet *p = packet_from(frame, size);

        expect(!receive(p), "a packet cut off was taken for partial",
               frame, size);
        expect_frame(p, frame, size, "cut off");
        dp_packet_delete(p);
    }
    printf("%d packets\n", N_PACKETS);
}

/* Packets with some bytes overwritten: whatever they are taken for, they keep
 * their size and, unless something was partial, their bytes. */
static void
test_garbage(void)
{
    for (int i = 0; i < 10 * N_PACKETS; i++) {
        struct packet_spec spec = rnd_spec();
        struct packet_place place;
        uint8_t frame[MAX_FRAME];

        spec.payload = NULL;
        spec.payload_len = rnd(64);
        spec.dport = rnd(2) ? 4789 : 6081;

        size_t size = packet_build(&spec, frame, sizeof frame, &place);
        for (int j = rnd(4); j >= 0; j--) {
            frame[12 + rnd(size - 12)] = rnd(4) ? rnd(256) : rnd(2) ? 0 : 255;
        }
        if (!rnd(4)) {
            size = rnd(size);
        }

        struct dp_packet *p = packet_from(frame, size);

        if (!receive(p)) {
            expect_frame(p, frame, size, "garbage");
        }
        expect(dp_packet_size(p) == size, "the size changed", frame, size);
        dp_packet_delete(p);
    }
    printf("%d packets\n", 10 * N_PACKETS);
}

/* A partial checksum inside a tunnel packet is completed.  The sender of such
 * a packet has made the outer checksum, if there is one, so that it is right
 * then. */
static void
test_tunnel(void)
{
    static const uint16_t ports[] = { 4789, 8472, 6081 };

    for (int i = 0; i < N_PACKETS; i++) {
        struct packet_spec inner = rnd_spec(), outer = rnd_spec();
        struct packet_place inner_place, outer_place;
        uint8_t payload[8 + 63 * 4 + MAX_FRAME] = { 0 };
        uint8_t good[2 * MAX_FRAME], frame[2 * MAX_FRAME];
        bool is_geneve, other_protocol = false;
        size_t hdr_len = 8;

        outer.tcp = false;
        outer.n_options = outer.ip_version == 6 ? 0 : outer.n_options;
        outer.csum = rnd(2) && outer.ip_version == 4 ? PACKET_CSUM_NONE
                     : PACKET_CSUM_GOOD;
        outer.dport = ports[rnd(3)];
        is_geneve = outer.dport == 6081;
        if (is_geneve) {
            other_protocol = !rnd(8);
            payload[0] = rnd(64);
            hdr_len += payload[0] * 4;
            payload[2] = 0x65;
            payload[3] = other_protocol ? 0x59 : 0x58;
            rnd_bytes(payload + 8, hdr_len - 8);
        } else {
            payload[0] = 0x08;
        }

        inner.csum = PACKET_CSUM_GOOD;
        outer.payload_len = hdr_len + packet_build(&inner, payload + hdr_len,
                                                   MAX_FRAME, &inner_place);
        outer.payload = payload;

        size_t size = packet_build(&outer, good, sizeof good, &outer_place);
        size_t start = outer_place.payload + hdr_len;
        uint16_t pseudo = packet_fold(packet_pseudo_sum(good + start,
                                                        &inner_place));

        memcpy(frame, good, size);
        frame[start + inner_place.csum] = pseudo >> 8;
        frame[start + inner_place.csum + 1] = pseudo;

        /* Rarely, the outer checksum is by chance the sum of its
         * pseudo-header. */
        uint16_t outer_csum = (frame[outer_place.csum] << 8
                               | frame[outer_place.csum + 1]);
        if (outer_csum == packet_fold(packet_pseudo_sum(frame,
                                                        &outer_place))) {
            continue;
        }

        struct dp_packet *p = packet_from(frame, size);
        expect(receive(p) == !other_protocol,
               "the inner checksum was not found", frame, size);
        expect_frame(p, other_protocol ? frame : good, size, "in a tunnel");

        /* Once more changes nothing, even in the rare case that the complete
         * checksum looks like a partial one. */
        receive(p);
        expect_frame(p, other_protocol ? frame : good, size, "once more");
        dp_packet_delete(p);
    }
    printf("%d packets\n", N_PACKETS);
}

/* Headers that have a packet go to its destination by way of others, or that
 * name another source: what they are, and where in them the address stands
 * that the pseudo-header has, of which 'common' bytes are left out. */
static const struct via {
    const char *name;
    int ip_version;
    uint8_t proto;              /* Of the IPv6 extension header. */
    bool src;                   /* Tells the source. */
    size_t len;                 /* Of the header or IPv4 options. */
    uint8_t bytes[8];           /* How it begins, but for 'proto'. */
    size_t ofs;                 /* Of the address. */
    size_t common;
} vias[] = {
    { "routing header 0", 6, 43, false, 40, { 0, 4, 0, 1 }, 24, 0 },
    { "routing header 2", 6, 43, false, 24, { 0, 2, 2, 1 }, 8, 0 },
    { "RPL", 6, 43, false, 24, { 0, 2, 3, 2, 0xfe, 0xc0 }, 10, 14 },
    { "segment routing", 6, 43, false, 56, { 0, 6, 4, 2, 2 }, 8, 0 },
    { "home address", 6, 60, true, 24, { 0, 2, 1, 2, 0, 0, 201, 16 }, 8, 0 },
    { "loose source route", 4, 0, false, 12, { 1, 131, 11, 4 }, 8, 0 },
    { "strict source route", 4, 0, false, 12, { 1, 137, 11, 8 }, 8, 0 },
};

/* Has the packet of 'spec', which has no options, go by way of 'via'. */
static size_t
add_via(const struct packet_spec *spec, const struct via *via, uint8_t *frame,
        size_t size, struct packet_place *place)
{
    uint8_t *ip = frame + place->ip;
    size_t hdr_len = via->ip_version == 4 ? 20 : 40;
    size_t addr_len = via->ip_version == 4 ? 4 : 16;
    uint8_t *header = ip + hdr_len;
    uint8_t *addr = (via->ip_version == 4 ? ip + 16
                     : via->src ? ip + 8 : ip + 24);
    const uint8_t *final = via->src ? spec->ip_src : spec->ip_dst;

    memmove(header + via->len, header, size - (header - frame));
    rnd_bytes(header, via->len);
    memcpy(header, via->bytes, 8);
    memcpy(header + via->ofs, final + via->common, addr_len - via->common);
    rnd_bytes(addr + via->common, addr_len - via->common);
    if (via->ip_version == 4) {
        uint16_t tot_len = (ip[2] << 8 | ip[3]) + via->len;

        ip[0] += via->len / 4;
        ip[2] = tot_len >> 8;
        ip[3] = tot_len;
        ip[10] = ip[11] = 0;

        uint16_t csum = ~packet_fold(packet_sum(ip, 20 + via->len, 0));
        ip[10] = csum >> 8;
        ip[11] = csum;
    } else {
        uint16_t plen = (ip[4] << 8 | ip[5]) + via->len;

        header[0] = ip[6];
        ip[6] = via->proto;
        ip[4] = plen >> 8;
        ip[5] = plen;
    }
    place->l4 += via->len;
    place->csum += via->len;
    place->end += via->len;
    return size + via->len;
}

/* Has the complete checksum of the packet be the sum of a pseudo-header with
 * the addresses that are in its IP header, which is not the right one. */
static void
look_partial(uint8_t *frame, const struct packet_place *place)
{
    const uint8_t *ip = frame + place->ip;
    uint32_t sum = place->proto + (place->end - place->l4);
    uint8_t *payload = frame + place->payload;
    uint8_t *csum = frame + place->csum;

    sum = (place->ip_version == 4 ? packet_sum(ip + 12, 8, sum)
           : packet_sum(ip + 8, 32, sum));

    /* What the checksum gains, the first bytes of the payload lose. */
    uint16_t wanted = packet_fold(sum), is = csum[0] << 8 | csum[1];
    uint16_t data = payload[0] << 8 | payload[1];
    uint16_t less = packet_fold(data + is + (uint16_t) ~wanted);

    csum[0] = wanted >> 8;
    csum[1] = wanted;
    payload[0] = less >> 8;
    payload[1] = less;
}

/* A checksum is that of the final destination, whatever address the IP header
 * has for now. */
static void
test_via(void)
{
    for (int i = 0; i < N_PACKETS; i++) {
        const struct via *via = &vias[rnd(ARRAY_SIZE(vias))];
        struct packet_spec spec = rnd_spec();
        struct packet_place place, good_place;
        uint8_t frame[MAX_FRAME], good[MAX_FRAME];
        enum { RX, TOLD, TX, CHANCE, N_WAYS } way = rnd(N_WAYS);

        spec.n_options = 0;
        spec.n_vlans = rnd(2);
        spec.ip_version = via->ip_version;
        spec.payload = NULL;
        spec.payload_len += 2 + (spec.payload_len & 1);
        spec.csum = PACKET_CSUM_GOOD;

        size_t size = packet_build(&spec, good, sizeof good, &good_place);
        place = good_place;
        place.payload += via->len;
        size = add_via(&spec, via, good, size, &place);
        if (way == CHANCE) {
            look_partial(good, &place);
        }

        memcpy(frame, good, size);
        if (way != CHANCE) {
            uint32_t pseudo = place.proto + (place.end - place.l4);
            size_t addr_len = via->ip_version == 4 ? 4 : 16;

            pseudo = packet_sum(spec.ip_src, addr_len, pseudo);
            pseudo = packet_fold(packet_sum(spec.ip_dst, addr_len, pseudo));
            frame[place.csum] = pseudo >> 8;
            frame[place.csum + 1] = pseudo;
        }

        struct dp_packet *p = packet_from(frame, size);
        struct partial_csum pc;

        switch (way) {
        case RX:
            expect(receive(p), via->name, frame, size);
            break;

        case CHANCE:
            receive(p);
            break;

        case TOLD:
            rnd_bytes((uint8_t *) dp_packet_data(p) + place.csum, 2);
            expect(partial_csum_rx_told(p), via->name, frame, size);
            break;

        case TX:
            /* As from a port that is not ours. */
            rnd_bytes((uint8_t *) dp_packet_data(p) + place.csum, 2);
            parse(p);
            expect(compat_packet_set_csum_partial(p, place.proto, place.l4,
                                                  place.csum - place.l4),
                   via->name, frame, size);
            expect(partial_csum_tx(p, &pc), via->name, frame, size);
            kernel_completes(dp_packet_data(p), size, pc.start, pc.offset,
                             !spec.tcp);
            break;

        case N_WAYS:
            OVS_NOT_REACHED();
        }
        if (way != TX) {
            parse(p);
            dp_packet_ol_send_prepare(p, 0);
        }
        expect_frame(p, good, size, via->name);
        dp_packet_delete(p);
    }
    printf("%d packets\n", N_PACKETS);
}

int
main(int argc, char *argv[])
{
    static const struct {
        const char *name;
        void (*test)(void);
    } tests[] = {
        { "rx", test_rx },
        { "tx", test_tx },
        { "truncated", test_truncated },
        { "garbage", test_garbage },
        { "tunnel", test_tunnel },
        { "via", test_via },
    };

    set_program_name(argv[0]);
    for (size_t i = 0; argc == 2 && i < ARRAY_SIZE(tests); i++) {
        if (!strcmp(argv[1], tests[i].name)) {
            tests[i].test();
            return 0;
        }
    }
    fputs("usage: test-plugins rx|tx|truncated|garbage|tunnel|via\n", stderr);
    return 2;
}
