/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* Makes the corpus of malformed frames, and sends it from one port of a switch
 * to another; usage() has the commands.
 *
 * The exit status is 0 if all went well, 1 if not, 2 for bad arguments. */

#include "pkt-corpus.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packet.h"
#include "pkt-corpus-end.h"
#include "tool.h"

/* Frames on their way at the same time: less than any ring holds. */
#define WINDOW 128

/* A frame that tells that others have arrived is sent again more often than
 * END_TIMEOUT_MS, as it may get lost, too. */
#define RESEND_MS 3000

static void
usage(void)
{
    fputs("\
usage: pkt-corpus make FILE\n\
         write the corpus to FILE, as tcpdump does\n\
       pkt-corpus list\n\
         print it: a number, the size, and what is wrong with each frame\n\
       pkt-corpus seeds FOLDER\n\
         write what the fuzzer can start from, each frame in a file\n\
       pkt-corpus run [OPTION...] FILE FROM TO\n\
         send all frames of FILE (\"ethertypes\": one of each ethertype) and\n\
         see what arrives.  FROM and TO are the other ends of ports:\n\
           tap:DEVICE               an existing tap device\n\
           veth:NAMESPACE:DEVICE    the other end of a veth device.  As TO,\n\
                                    without frames cut off in a VLAN tag\n\
           connect:SOCKET           a guest of a vhostuser port\n\
           listen:SOCKET            a guest of a vhostuserclient port\n\
         options:\n\
           --max-size N      only frames of at most N bytes\n\
           --push-vlan TCI   frames arrive with this tag, of type 8100\n\
           --normal          frames arrive without a tag of VLAN 0 and\n\
                             priority 0, as the action NORMAL sends them\n\
           --complete        the switch completes partial checksums that it\n\
                             was not told of\n\
           --metadata        ask for checksums at places that do not fit the\n\
                             frame.  It may then arrive with a checksum that\n\
                             is complete, where its headers say or where it\n\
                             was asked for\n\
         Prints how many frames were sent, refused by the kernel, received\n\
         and are missing; fails if one arrives that was not sent like this.\n\
", stderr);
    exit(2);
}

static void
dump(const char *title, const uint8_t *data, size_t size)
{
    fprintf(stderr, "%s, %zu bytes: ", title, size);
    for (size_t i = 0; i < size && i < 100; i++) {
        fprintf(stderr, "%02x", data[i]);
    }
    fputc('\n', stderr);
}

/* Files.  All numbers in them are little-endian. */

static void
write32(FILE *f, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        putc(value >> 8 * i & 0xff, f);
    }
}

static void
write_pcap(const struct corpus *corpus, const char *name)
{
    FILE *f = fopen(name, "wb");

    if (!f) {
        fatal(errno, "%s", name);
    }
    write32(f, 0xa1b2c3d4);
    write32(f, 2 | 4 << 16);            /* Version 2.4. */
    write32(f, 0);
    write32(f, 0);
    write32(f, CORPUS_MAX_FRAME);
    write32(f, 1);                      /* Ethernet. */
    for (size_t i = 0; i < corpus->n; i++) {
        const struct corpus_frame *frame = &corpus->frames[i];

        write32(f, i);                  /* Its number, as the time. */
        write32(f, 0);
        write32(f, frame->size);
        write32(f, frame->size);
        fwrite(frame->data, 1, frame->size, f);
    }
    if (ferror(f) || fclose(f)) {
        fatal(errno, "%s", name);
    }
}

static uint32_t
read32(FILE *f)
{
    uint8_t b[4] = { 0 };

    return (fread(b, 1, sizeof b, f) == sizeof b
            ? b[0] | b[1] << 8 | b[2] << 16 | (uint32_t) b[3] << 24 : 0);
}

static void
read_pcap(struct corpus *corpus, const char *name)
{
    static uint8_t data[CORPUS_MAX_FRAME];
    struct corpus made = { .n = 0 };
    FILE *f = fopen(name, "rb");
    uint32_t size;

    if (!f) {
        fatal(errno, "%s", name);
    }
    if (read32(f) != 0xa1b2c3d4 || fseek(f, 24, SEEK_SET)) {
        fatal(0, "%s: not a corpus", name);
    }
    while (read32(f), read32(f), size = read32(f), read32(f), size) {
        if (size > sizeof data || fread(data, 1, size, f) != size) {
            fatal(0, "%s: damaged", name);
        }
        corpus_add(corpus, "?", data, size);
    }
    fclose(f);

    /* The file has no names. */
    corpus_make(&made);
    for (size_t i = 0; i < corpus->n && i < made.n; i++) {
        struct corpus_frame *frame = &corpus->frames[i];

        if (frame->size == made.frames[i].size
            && !memcmp(frame->data, made.frames[i].data, frame->size)) {
            strcpy(frame->name, made.frames[i].name);
        }
    }
    corpus_destroy(&made);
}

static void
write_seeds(const struct corpus *corpus, const char *folder)
{
    for (size_t i = 0; i < corpus->n; i++) {
        char name[4096];

        snprintf(name, sizeof name, "%s/%04zu", folder, i);

        FILE *f = fopen(name, "wb");
        if (!f) {
            fatal(errno, "%s", name);
        }
        fwrite(corpus->frames[i].data, 1, corpus->frames[i].size, f);
        if (ferror(f) || fclose(f)) {
            fatal(errno, "%s", name);
        }
    }
}

/* "run". */

static struct {
    size_t max_size;
    int push_vlan;              /* A TCI, or negative. */
    bool complete, metadata, normal;
} opt = { .max_size = CORPUS_MAX_FRAME, .push_vlan = -1 };

/* A frame on its way. */
struct sent {
    const struct corpus_frame *frame;
    struct vfe_net_hdr hdr;
    uint8_t data[CORPUS_MAX_FRAME + 4];     /* As it must arrive. */
    size_t size;
    bool arrived;
};

static struct run {
    struct end from, to;
    struct sent window[WINDOW];
    unsigned int n_window;
    uint32_t marker;            /* Of the last one sent. */
    uint32_t marker_seen;       /* Of the last one that arrived. */
    unsigned int n_sent, n_refused, n_received, n_strange, n_completed;
} run;

/* Puts at 'data' how the frame must arrive.  Returns its size. */
static size_t
expected_frame(const uint8_t *frame, size_t size, uint8_t *data)
{
    struct corpus_csum c;

    if (opt.normal && size >= 18 && !(frame[14] & 0xef) && !frame[15]
        && ((frame[12] == 0x81 && frame[13] == 0)
            || (frame[12] == 0x88 && frame[13] == 0xa8))) {
        memcpy(data, frame, 12);
        memcpy(data + 12, frame + 16, size - 16);
        return size - 4;
    }
    if (opt.push_vlan < 0) {
        memcpy(data, frame, size);
    } else {
        memcpy(data, frame, 12);
        data[12] = 0x81;
        data[13] = 0;
        data[14] = opt.push_vlan >> 8;
        data[15] = opt.push_vlan;
        memcpy(data + 16, frame + 12, size - 12);
    }
    if (opt.complete && corpus_csum_find(frame, size, &c)
        && corpus_csum_is_partial(frame, &c)) {
        size_t shift = opt.push_vlan < 0 ? 0 : 4;

        c.start += shift, c.end += shift, c.field += shift, c.ip += shift;
        corpus_csum_complete(data, &c);
        run.n_completed++;
    }
    return opt.push_vlan < 0 ? size : size + 4;
}

/* The numbered frame that tells that those before it have arrived. */
static size_t
marker_frame(uint32_t number, uint8_t *data, size_t max)
{
    struct packet_spec spec = {
        .eth_dst = { 2, 0, 0, 0, 0, 2 }, .eth_src = { 2, 0, 0, 0, 0, 1 },
        .ip_version = 4,
        .ip_src = { 10, 1, 1, 1 }, .ip_dst = { 10, 1, 1, 2 },
        .sport = 4321, .dport = 1234,
        .payload_len = 18, .payload = "pkt-corpus-marker", .seed = number,
    };
    struct packet_place place;
    size_t size;

    /* The number is where one sees it, and in a good checksum. */
    spec.ip_src[1] = number >> 16;
    spec.ip_src[2] = number >> 8;
    spec.ip_src[3] = number;
    size = packet_build(&spec, data, max, &place);
    return size;
}

/* Does what a device does that is asked to complete a checksum.  Returns false
 * if it cannot. */
static bool
device_completes(const struct vfe_net_hdr *hdr, uint8_t *data, size_t size)
{
    size_t field = (size_t) hdr->csum_start + hdr->csum_offset;

    if (field + 2 > size) {
        return false;
    }

    uint16_t sum = ~packet_fold(packet_sum(data + hdr->csum_start,
                                           size - hdr->csum_start, 0));
    data[field] = sum >> 8;
    data[field + 1] = sum;
    return true;
}

/* True if 'data' is what became of 's' by asking for the checksum at a wrong
 * place. */
static bool
is_completed(const struct sent *s, const uint8_t *data, size_t size)
{
    static uint8_t good[CORPUS_MAX_FRAME + 4];
    struct corpus_csum c;

    if (size != s->size) {
        return false;
    }
    memcpy(good, s->data, size);
    if (corpus_csum_find(good, size, &c)) {
        corpus_csum_complete(good, &c);
        if (!memcmp(good, data, size)) {
            return true;
        }
        memcpy(good, s->data, size);
    }

    /* DPDK's vhost library makes the sum for a guest.  Where it does not fit,
     * that may change other bytes of the guest's own packet: two, at a place
     * computed in 16 bits. */
    size_t field = (uint16_t) (s->hdr.csum_start + s->hdr.csum_offset);
    if (field >= size) {
        return false;
    }
    if (device_completes(&s->hdr, good, size)) {
        /* The sum may be 0 or its other form, 0xffff. */
        if (!(good[field] | good[field + 1])
            && (data[field] & data[field + 1]) == 0xff) {
            good[field] = good[field + 1] = 0xff;
        }
    } else {
        memcpy(good + field, data + field, field + 1 < size ? 2 : 1);
    }
    return !memcmp(good, data, size);
}

/* Compares a frame that has arrived with those on their way. */
static void
judge(struct vfe_net_hdr *hdr, uint8_t *data, size_t size)
{
    static uint8_t marker[128], expected[128];

    if (hdr->flags & VFE_HDR_NEEDS_CSUM
        && !device_completes(hdr, data, size)) {
        dump("NEEDS_CSUM that does not fit", data, size);
        run.n_strange++;
        return;
    }
    run.n_received++;
    for (uint32_t n = run.marker; n && n + 20 > run.marker; n--) {
        size_t marker_size = marker_frame(n, marker, sizeof marker);

        marker_size = expected_frame(marker, marker_size, expected);
        if (marker_size == size && !memcmp(data, expected, size)) {
            run.marker_seen = n > run.marker_seen ? n : run.marker_seen;
            return;
        }
    }
    for (int pass = 0; pass < (opt.metadata ? 2 : 1); pass++) {
        for (unsigned int i = 0; i < run.n_window; i++) {
            struct sent *s = &run.window[i];

            if (!s->arrived
                && (pass ? is_completed(s, data, size)
                    : s->size == size && !memcmp(s->data, data, size))) {
                run.n_completed += pass;
                s->arrived = true;
                return;
            }
        }
    }
    run.n_strange++;
    dump("arrived, but was not sent like this", data, size);
}

static void
receive_all(void)
{
    static uint8_t data[VFE_MAX_FRAME];
    struct vfe_net_hdr hdr = { .flags = 0 };
    size_t size;

    while (end_recv(&run.to, &hdr, data, &size)) {
        judge(&hdr, data, size);
    }
}

/* Sends a marker, until one comes back. */
static void
pass_marker(void)
{
    static const struct vfe_net_hdr no_hdr;
    long long int deadline = now_ms() + END_TIMEOUT_MS, resend = 0;
    uint32_t first = run.marker + 1;
    uint8_t data[128];

    while (run.marker_seen < first) {
        if (now_ms() > deadline) {
            fatal(0, "%s to %s: nothing arrives any more", run.from.name,
                run.to.name);
        }
        if (now_ms() >= resend) {
            size_t size = marker_frame(++run.marker, data, sizeof data);

            if (!end_send(&run.from, &no_hdr, data, size)) {
                fatal(0, "%s: refuses a good frame", run.from.name);
            }
            run.n_sent++;
            resend = now_ms() + RESEND_MS;
        }
        end_wait(&run.to, 100);
        receive_all();
    }
}

/* Waits until all of the window has arrived, or been lost.  A batch of packets
 * may be forwarded in another order, and if there is just one thread that
 * forwards, a second marker then comes after all of them. */
static void
finish_window(void)
{
    pass_marker();
    pass_marker();
    for (unsigned int i = 0; i < run.n_window; i++) {
        struct sent *s = &run.window[i];

        if (!s->arrived) {
            char title[128];

            snprintf(title, sizeof title, "missing (csum %d, %d): %s",
                     s->hdr.csum_start, s->hdr.csum_offset, s->frame->name);
            dump(title, s->frame->data, s->frame->size);
        }
    }
    run.n_window = 0;
}

/* Makes 'hdr' ask for checksum number 'n' at a place that does not fit. */
static void
odd_metadata(unsigned int n, const struct corpus_frame *frame,
             struct vfe_net_hdr *hdr)
{
    struct corpus_csum c = { .start = 34, .field = 50 };
    uint16_t size = frame->size;

    corpus_csum_find(frame->data, frame->size, &c);

    const uint16_t places[][2] = {
        { c.start, c.field - c.start },
        { 0, 0 }, { 0, 16 }, { 14, 0 }, { 14, 10 }, { 34, 6 }, { 34, 16 },
        { c.start, 0 }, { c.start, c.field - c.start + 1 },
        { c.start + 1, c.field - c.start - 1 },
        { c.start + 2, 6 }, { c.start, size - c.start },
        { c.start, size - c.start - 2 }, { c.start, size - c.start - 1 },
        { size - 1, 0 }, { size - 2, 0 }, { size, 0 }, { size + 1, 0 },
        { 0, size - 1 }, { 0, size }, { 0, 65535 }, { 65535, 0 },
        { 65535, 65535 }, { 65535, 1 }, { 32768, 32768 }, { 34, 65535 },
        { 34, 65502 }, { 65502, 34 },
    };
    const size_t n_places = sizeof places / sizeof places[0];

    hdr->flags = VFE_HDR_NEEDS_CSUM;
    hdr->csum_start = places[n % n_places][0];
    hdr->csum_offset = places[n % n_places][1];
}

/* Before any socket sees such a frame, the kernel tries to take the tag out of
 * it, and drops it without counting. */
static bool
is_cut_in_tag(const struct corpus_frame *frame)
{
    const uint8_t *p = frame->data;

    return (frame->size >= 14 && frame->size < 20
            && ((p[12] == 0x81 && p[13] == 0)
                || (p[12] == 0x88 && p[13] == 0xa8)));
}

static void
cmd_run(const char *file, const char *from, const char *to)
{
    struct corpus corpus = { .n = 0 };

    if (!strcmp(file, "ethertypes")) {
        corpus_make_ethertypes(&corpus);
    } else {
        read_pcap(&corpus, file);
    }
    if (!end_open(&run.to, to) || !end_open(&run.from, from)) {
        usage();
    }

    /* When the first ones arrive, both ports forward. */
    pass_marker();
    pass_marker();
    for (size_t i = 0; i < corpus.n; i++) {
        const struct corpus_frame *frame = &corpus.frames[i];
        struct sent *s = &run.window[run.n_window];

        if (frame->size > opt.max_size
            || (run.to.type == VETH && is_cut_in_tag(frame))) {
            continue;
        }
        memset(&s->hdr, 0, sizeof s->hdr);
        if (opt.metadata) {
            odd_metadata(i, frame, &s->hdr);
        }
        if (!end_send(&run.from, &s->hdr, frame->data, frame->size)) {
            run.n_refused++;
            continue;
        }
        run.n_sent++;
        s->frame = frame;
        s->size = frame->size < 14 ? 0 : expected_frame(frame->data,
                                                        frame->size, s->data);
        s->arrived = false;
        if (++run.n_window == WINDOW) {
            finish_window();
        }
        receive_all();
    }
    finish_window();
    pass_marker();

    if (run.from.type == GUEST) {
        vfe_stop(&run.from.vfe);
    }
    if (run.to.type == GUEST) {
        vfe_stop(&run.to.vfe);
    }
    printf("sent=%u refused=%u received=%u completed=%u missing=%u\n",
           run.n_sent, run.n_refused, run.n_received, run.n_completed,
           run.n_sent - run.n_received);
    corpus_destroy(&corpus);
    if (run.n_strange) {
        fatal(0, "%u frames arrived changed", run.n_strange);
    }
}

static int
number(const char *s, int max)
{
    char *end;
    long int value = strtol(s, &end, 0);

    if (end == s || *end || value < 0 || value > max) {
        fatal(0, "%s: not a number from 0 to %d", s, max);
    }
    return value;
}

int
main(int argc, char *argv[])
{
    static const struct option options[] = {
        { "max-size", required_argument, NULL, 's' },
        { "push-vlan", required_argument, NULL, 'v' },
        { "normal", no_argument, NULL, 'n' },
        { "complete", no_argument, NULL, 'c' },
        { "metadata", no_argument, NULL, 'm' },
        { NULL, 0, NULL, 0 },
    };
    struct corpus corpus = { .n = 0 };
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 's':
            opt.max_size = number(optarg, CORPUS_MAX_FRAME);
            break;
        case 'v':
            opt.push_vlan = number(optarg, 65535);
            break;
        case 'n':
            opt.normal = true;
            break;
        case 'c':
            opt.complete = true;
            break;
        case 'm':
            opt.metadata = true;
            break;
        default:
            usage();
        }
    }
    argv += optind;
    argc -= optind;
    if (argc == 4 && !strcmp(argv[0], "run")) {
        cmd_run(argv[1], argv[2], argv[3]);
        return 0;
    }

    corpus_make(&corpus);
    if (argc == 2 && !strcmp(argv[0], "make")) {
        write_pcap(&corpus, argv[1]);
    } else if (argc == 1 && !strcmp(argv[0], "list")) {
        for (size_t i = 0; i < corpus.n; i++) {
            printf("%zu\t%zu\t%s\n", i, corpus.frames[i].size,
                   corpus.frames[i].name);
        }
    } else if (argc == 2 && !strcmp(argv[0], "seeds")) {
        write_seeds(&corpus, argv[1]);
    } else {
        usage();
    }
    corpus_destroy(&corpus);
    return 0;
}
