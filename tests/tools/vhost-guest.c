/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* A guest without a virtual machine, at the other end of a vhost-user socket;
 * usage() has the commands.
 *
 * The exit status is 0 if all went well, 1 if not, 2 for bad arguments. */

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "packet.h"
#include "tool.h"
#include "vhost-frontend.h"
#include "vhost-hostile.h"

static struct {
    const char *connect, *listen;
    int listen_fd;
    uint64_t feature_mask, protocol_mask;
    bool feature_mask_given, protocol_mask_given;
    unsigned int n_pairs, ring_size, n_regions, pair;
    size_t buf_size;
    bool packed;
    int timeout_ms;
    const char *pidfile;                    /* Go to the background. */

    /* For packets. */
    struct vfe_net_hdr hdr;
    unsigned int count;
    bool count_given;
    double seconds;                         /* 0: for ever. */
    const char *match;                      /* Of frames received. */
    bool abrupt, reset;
    int hold_ms;
} opt = {
    .listen_fd = -1, .n_pairs = 1, .ring_size = 256, .n_regions = 1,
    .buf_size = 2048, .timeout_ms = 60000, .count = 1,
};

/* Set by SIGINT and SIGTERM: time to finish in good order. */
static volatile sig_atomic_t finish;

static void
usage(void)
{
    fputs("\
usage: vhost-guest {--connect SOCKET | --listen SOCKET} [OPTION...] COMMAND\n\
 options:\n\
  --features MASK           accept at most these features (all we know)\n\
  --protocol-features MASK  the same for those of the protocol\n\
  --queues N                queue pairs (1)\n\
  --ring-size N             descriptors in each ring (256)\n\
  --packed                  packed rings, if the peer offers them\n\
  --regions N               pieces of shared memory, 1 to 8 (1)\n\
  --buffer-size N           bytes in each descriptor (2048)\n\
  --timeout S               how long the peer may take for anything (60)\n\
  --detach PIDFILE          once connected, go on in the background\n\
 commands:\n\
  info          print what was offered and agreed on\n\
  send FRAME... [--count N] [--queue N] [--flags N] [--csum START,OFFSET]\n\
                [--gso TYPE,SIZE,HDRLEN]\n\
                send frames, in hexadecimal, N times; \"-\" reads them from\n\
                the standard input, one each line.  Returns when all are\n\
                taken.  --csum also sets the flag 1, NEEDS_CSUM\n\
  recv N [--match HEX]\n\
                print N frames that come, one each line: the queue, the\n\
                fields of the header, and the frame.  The time that each may\n\
                take is that of --timeout.  With --match, only frames that\n\
                contain these bytes\n\
  echo          send back all that comes, with the addresses swapped, and\n\
                answer ARP requests for any address\n\
  sink [--count N] [--seconds S] [--match HEX]\n\
                take what comes, print how much it was\n\
  flood [FRAME] [--seconds S] [--queue N] [--count N]\n\
                send as fast as possible, print how much it was\n\
  stall         take nothing that comes\n\
  reconnect N [FRAME] [--abrupt] [--reset]\n\
                N times: connect, send the frame 8 times, and disconnect;\n\
                with --abrupt, without stopping the rings before; with\n\
                --reset, stay connected but start the rings anew each time\n\
  hostile NAME [FRAME] [--hold S]\n\
                misbehave, print what the peer does: \"dropped\",\n\
                \"ignored\", \"refused\" or \"disconnected\"; if it does not\n\
                answer any more, \"no answer\", and exit with status 1.\n\
                Stay connected S seconds longer.  FRAME, if given, is the\n\
                good part of what is sent\n\
  hostile --list\n\
                list the names\n\
Commands that have no end stop on SIGTERM.\n", stderr);
    exit(2);
}

/* Ends the program if the step 'vfe->step' has failed. */
static void
check(const struct vfe *vfe, int error)
{
    if (error) {
        fatal(error, "%s", vfe->step);
    }
}

static void
on_signal(int signum)
{
    (void) signum;
    finish = 1;
}

static double
now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec + ts.tv_nsec / 1e9;
}

static unsigned long long int
number(const char *s, unsigned long long int max)
{
    unsigned long long int value;
    char *end;

    errno = 0;
    value = strtoull(s, &end, 0);
    if (errno || end == s || *end || *s == '-' || value > max) {
        fatal(0, "%s: not a number, or too large", s);
    }
    return value;
}

/* Reads up to 'n' numbers, separated by commas, from 's'. */
static void
numbers(char *s, uint16_t *values[], unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        char *comma = strchr(s, ',');

        if (!!comma != (i + 1 < n)) {
            fatal(0, "%s: wrong number of values", s);
        }
        if (comma) {
            *comma = '\0';
        }
        *values[i] = number(s, UINT16_MAX);
        s = comma ? comma + 1 : s;
    }
}

/* Frames. */

struct frame {
    uint8_t data[VFE_MAX_FRAME];
    size_t size;
};

static bool
parse_frame(const char *hex, struct frame *frame)
{
    frame->size = 0;
    while (*hex && *hex != '\n') {
        unsigned int byte;
        int n = 0;

        if (frame->size >= sizeof frame->data
            || sscanf(hex, "%2x%n", &byte, &n) != 1 || n != 2) {
            return false;
        }
        frame->data[frame->size++] = byte;
        hex += n;
    }
    return frame->size > 0;
}

static void
get_frame(const char *hex, struct frame *frame)
{
    if (!parse_frame(hex, frame)) {
        fatal(0, "%.60s: not a frame in hexadecimal", hex);
    }
}

/* What is sent if the caller does not care: 60 bytes of UDP, to all. */
static void
default_frame(struct frame *frame)
{
    struct packet_spec spec = {
        .eth_dst = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
        .eth_src = { 2, 0, 0, 0, 0, 0xfe },
        .ip_version = 4,
        .ip_src = { 10, 255, 0, 1 }, .ip_dst = { 10, 255, 0, 2 },
        .sport = 1111, .dport = 2222, .payload_len = 18, .seed = 1,
    };
    struct packet_place place;

    frame->size = packet_build(&spec, frame->data, sizeof frame->data, &place);
}

/* Connections. */

static void
prepare(struct vfe *vfe)
{
    vfe_init(vfe);
    if (opt.feature_mask_given) {
        vfe->feature_mask = opt.feature_mask;
    }
    if (opt.protocol_mask_given) {
        vfe->protocol_mask = opt.protocol_mask;
    }
    if (opt.packed) {
        vfe->feature_mask |= VFE_BIT(VFE_F_RING_PACKED);
    }
    vfe->n_pairs = opt.n_pairs;
    vfe->ring_size = opt.ring_size;
    vfe->n_regions = opt.n_regions;
    vfe->buf_size = opt.buf_size;
    vfe->timeout_ms = opt.timeout_ms;
}

/* Connects '*vfe', fresh from prepare(). */
static int
join(struct vfe *vfe)
{
    if (opt.listen_fd >= 0) {
        return vfe_accept(vfe, opt.listen_fd);
    }
    return vfe_connect(vfe, opt.connect);
}

/* Goes to the background if that was asked for. */
static void
detach(void)
{
    if (!opt.pidfile) {
        return;
    }
    fflush(stdout);

    pid_t pid = fork();
    if (pid < 0) {
        fatal(errno, "fork");
    } else if (pid) {
        FILE *f = fopen(opt.pidfile, "w");

        if (!f || fprintf(f, "%ld\n", (long int) pid) < 0 || fclose(f)) {
            fatal(errno, "%s", opt.pidfile);
        }
        exit(0);
    }
    setsid();
    fclose(stdin);
    opt.pidfile = NULL;
}

static void
open_guest(struct vfe *vfe)
{
    prepare(vfe);
    check(vfe, join(vfe));
    check(vfe, vfe_start(vfe));
    if (opt.packed && !(vfe->features & VFE_BIT(VFE_F_RING_PACKED))) {
        fatal(0, "the peer does not offer packed rings");
    }
    if (opt.pair >= vfe->n_pairs) {
        fatal(0, "there is no queue %u", opt.pair);
    }
    detach();
}

static void
close_guest(struct vfe *vfe)
{
    if (!opt.abrupt) {
        check(vfe, vfe_stop(vfe));
    }
    vfe_destroy(vfe);
}

/* "info". */

static void
print_features(const char *what, uint64_t features,
               const char *name(unsigned int bit))
{
    printf("%s: 0x%"PRIx64, what, features);
    for (unsigned int bit = 0; bit < 64; bit++) {
        if (features & VFE_BIT(bit)) {
            if (name(bit)) {
                printf(" %s", name(bit));
            } else {
                printf(" %u", bit);
            }
        }
    }
    putchar('\n');
}

static void
cmd_info(void)
{
    struct vfe vfe;

    open_guest(&vfe);
    print_features("offered", vfe.features_offered, vfe_feature_name);
    print_features("negotiated", vfe.features, vfe_feature_name);
    print_features("protocol-offered", vfe.protocol_offered,
                   vfe_protocol_feature_name);
    print_features("protocol-negotiated", vfe.protocol,
                   vfe_protocol_feature_name);
    printf("queues: %"PRIu64"\n", vfe.n_queues_offered);
    printf("header: %zu\n", vfe.hdr_size);
    close_guest(&vfe);
}

/* Sends a frame, waiting for room if necessary. */
static void
send_frame(struct vfe *vfe, struct vfe_ring *ring,
           const struct vfe_net_hdr *hdr, const struct frame *frame)
{
    int error;

    while ((error = vfe_tx(vfe, ring, hdr, frame->data, frame->size))
           == EAGAIN && !finish) {
        vfe->step = "wait for room to send";
        error = vfe_wait(vfe, ring, vfe->timeout_ms);
        if (!finish) {
            check(vfe, error);
        }
    }
    vfe->step = "send";
    if (!finish) {
        check(vfe, error);
    }
}

static void
cmd_send(char *args[])
{
    static char line[2 * VFE_MAX_FRAME + 2];
    static struct frame frame;
    struct vfe vfe;

    open_guest(&vfe);

    struct vfe_ring *ring = vfe_tx_ring(&vfe, opt.pair);
    for (; *args; args++) {
        bool from_stdin = !strcmp(*args, "-");

        while (!from_stdin || fgets(line, sizeof line, stdin)) {
            get_frame(from_stdin ? line : *args, &frame);
            for (unsigned int i = 0; i < opt.count && !finish; i++) {
                send_frame(&vfe, ring, &opt.hdr, &frame);
            }
            if (!from_stdin) {
                break;
            }
        }
    }
    check(&vfe, vfe_tx_drain(&vfe, ring));
    close_guest(&vfe);
}

/* True if 'frame' is one of those that the caller wants to see. */
static bool
matches(const struct frame *frame)
{
    static struct frame pattern;

    if (!opt.match) {
        return true;
    }
    if (!pattern.size) {
        get_frame(opt.match, &pattern);
    }
    return memmem(frame->data, frame->size, pattern.data, pattern.size);
}

/* Receives a frame from any queue, whose number is stored in '*pair'.  Waits
 * until the time 'deadline', if that is not 0.  Returns false when there is no
 * time left, or on a signal. */
static bool
receive(struct vfe *vfe, unsigned int *pair, struct vfe_net_hdr *hdr,
        struct frame *frame, double deadline)
{
    static unsigned int next;       /* Fair to all queues. */

    while (!finish) {
        for (unsigned int i = 0; i < vfe->n_pairs; i++) {
            *pair = (next + i) % vfe->n_pairs;

            int error = vfe_rx(vfe, vfe_rx_ring(vfe, *pair), hdr, frame->data,
                               &frame->size);
            if (!error && matches(frame)) {
                next = *pair + 1;
                return true;
            } else if (error && error != EAGAIN) {
                vfe->step = "receive";
                check(vfe, error);
            }
        }

        double left = deadline ? deadline - now() : 1;
        if (left <= 0) {
            break;
        }
        vfe->step = "receive";

        int error = vfe_wait_rx(vfe, left * 1e3 + 1);
        if (error && error != ETIMEDOUT) {
            check(vfe, error);
        }
    }
    return false;
}

static void
print_frame(unsigned int pair, const struct vfe_net_hdr *hdr,
            const struct frame *frame)
{
    printf("queue=%u flags=%u gso_type=%u hdr_len=%u gso_size=%u "
           "csum_start=%u csum_offset=%u num_buffers=%u ",
           pair, hdr->flags, hdr->gso_type, hdr->hdr_len, hdr->gso_size,
           hdr->csum_start, hdr->csum_offset, hdr->num_buffers);
    for (size_t i = 0; i < frame->size; i++) {
        printf("%02x", frame->data[i]);
    }
    putchar('\n');
    fflush(stdout);
}

static void
cmd_recv(unsigned int n)
{
    static struct frame frame;
    struct vfe_net_hdr hdr;
    unsigned int pair;
    struct vfe vfe;

    open_guest(&vfe);
    for (unsigned int i = 0; i < n && !finish; i++) {
        if (!receive(&vfe, &pair, &hdr, &frame,
                     now() + opt.timeout_ms / 1e3)) {
            if (finish) {
                break;
            }
            fatal(0, "%u of %u frames came", i, n);
        }
        print_frame(pair, &hdr, &frame);
    }
    close_guest(&vfe);
}

/* Swaps the 'n' bytes at 'a' and 'b'. */
static void
swap(uint8_t *a, uint8_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t byte = a[i];

        a[i] = b[i];
        b[i] = byte;
    }
}

/* Turns a frame into one that goes back.  No checksum changes by that, even if
 * it is partial.  False if there should be no answer. */
static bool
turn_round(struct frame *frame)
{
    static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 0xfe };
    struct packet_place place;
    uint8_t *data = frame->data;

    if (frame->size < 14) {
        return false;
    }
    swap(data, data + 6, 6);
    if (data[6] & 1) {              /* It was a broadcast. */
        memcpy(data + 6, mac, 6);
    }
    if (frame->size >= 42 && data[12] == 8 && data[13] == 6) {
        if (data[20] || data[21] != 1) {
            return false;
        }
        data[21] = 2;               /* It becomes an ARP reply. */
        swap(data + 22, data + 32, 10);
        memcpy(data + 22, mac, 6);
        return true;
    }
    if (!packet_find(data, frame->size, &place)) {
        return false;
    }
    if (place.ip_version == 4) {
        swap(data + place.ip + 12, data + place.ip + 16, 4);
    } else {
        swap(data + place.ip + 8, data + place.ip + 24, 16);
    }
    swap(data + place.l4, data + place.l4 + 2, 2);
    return true;
}

static void
cmd_echo(void)
{
    static struct frame frame;
    struct vfe_net_hdr hdr;
    unsigned int pair;
    struct vfe vfe;

    open_guest(&vfe);
    while (receive(&vfe, &pair, &hdr, &frame, 0)) {
        if (turn_round(&frame)) {
            /* "This checksum is correct" is not for us to say. */
            hdr.flags &= VFE_HDR_NEEDS_CSUM;
            hdr.num_buffers = 0;
            send_frame(&vfe, vfe_tx_ring(&vfe, pair), &hdr, &frame);
        }
    }
    close_guest(&vfe);
}

static void
cmd_sink(void)
{
    double deadline = opt.seconds ? now() + opt.seconds : 0;
    unsigned long long int n = 0, n_bytes = 0;
    static struct frame frame;
    struct vfe_net_hdr hdr;
    unsigned int pair;
    struct vfe vfe;

    open_guest(&vfe);
    while ((!opt.count_given || n < opt.count)
           && receive(&vfe, &pair, &hdr, &frame, deadline)) {
        n++;
        n_bytes += frame.size;
    }
    printf("received %llu packets, %llu bytes\n", n, n_bytes);
    close_guest(&vfe);
    if (opt.count_given && n < opt.count) {
        exit(1);
    }
}

static void
cmd_flood(const char *hex)
{
    double deadline = opt.seconds ? now() + opt.seconds : 0;
    unsigned long long int n = 0;
    static struct frame frame;
    struct vfe vfe;

    if (hex) {
        get_frame(hex, &frame);
    } else {
        default_frame(&frame);
    }
    open_guest(&vfe);

    struct vfe_ring *ring = vfe_tx_ring(&vfe, opt.pair);
    while (!finish && (!opt.count_given || n < opt.count)
           && (n % 64 || !deadline || now() < deadline)) {
        send_frame(&vfe, ring, &opt.hdr, &frame);
        n++;
    }
    finish = 0;
    check(&vfe, vfe_tx_drain(&vfe, ring));
    printf("sent %llu packets\n", n);
    close_guest(&vfe);
}

/* Sleeps until a signal comes, the peer disconnects, or 'ms' have passed, if
 * not negative. */
static void
linger(struct vfe *vfe, int ms)
{
    double deadline = now() + ms / 1e3;

    while (!finish && (ms < 0 || now() < deadline)
           && vfe_wait_closed(vfe, 100)) {
        continue;
    }
}

static void
cmd_stall(void)
{
    struct vfe vfe;

    open_guest(&vfe);
    linger(&vfe, opt.seconds ? opt.seconds * 1e3 : -1);
    close_guest(&vfe);
}

static void
cmd_reconnect(unsigned int n, const char *hex)
{
    static struct frame frame;
    struct vfe vfe;

    if (hex) {
        get_frame(hex, &frame);
    } else {
        default_frame(&frame);
    }
    for (unsigned int i = 0; i < n && !finish; i++) {
        if (!i || !opt.reset) {
            open_guest(&vfe);
        } else {
            check(&vfe, vfe_restart(&vfe));
        }

        struct vfe_ring *ring = vfe_tx_ring(&vfe, opt.pair);
        for (int j = 0; j < 8; j++) {
            send_frame(&vfe, ring, &opt.hdr, &frame);
        }
        if (!opt.abrupt) {
            check(&vfe, vfe_tx_drain(&vfe, ring));
        }
        if (!opt.reset || i + 1 == n) {
            close_guest(&vfe);
        }
    }
    printf("%u connections\n", n);
}

/* "hostile". */

/* Connects once more, for those that need several connections. */
static int
hostile_open(struct vfe *vfe, bool start)
{
    prepare(vfe);

    int error = join(vfe);
    return error || !start ? error : vfe_start(vfe);
}

static void
cmd_hostile(const char *name, const char *hex)
{
    static struct frame frame;
    struct vfe vfe;

    const struct hostile *hostile = hostile_find(name);
    if (!hostile) {
        fatal(0, "%s: no such name; see hostile --list", name);
    }
    if (hex) {
        get_frame(hex, &frame);
    }

    prepare(&vfe);
    hostile_prepare(hostile, &vfe);
    check(&vfe, join(&vfe));

    const char *result = hostile_run(hostile, &vfe, hostile_open,
                                     hex ? frame.data : NULL, frame.size);
    puts(result);
    fflush(stdout);
    detach();
    linger(&vfe, opt.hold_ms);
    vfe_destroy(&vfe);
    if (!strcmp(result, HOSTILE_NO_ANSWER)) {
        exit(1);
    }
}

static void
parse_options(int *argc, char **argv[])
{
    enum {
        CONNECT = 256, LISTEN, FEATURES, PROTOCOL_FEATURES, QUEUES, RING_SIZE,
        PACKED, REGIONS, BUFFER_SIZE, TIMEOUT, DETACH, CSUM, GSO, FLAGS, COUNT,
        QUEUE, SECONDS, MATCH, ABRUPT, RESET, HOLD, LIST,
    };
    static const struct option options[] = {
        { "connect", required_argument, NULL, CONNECT },
        { "listen", required_argument, NULL, LISTEN },
        { "features", required_argument, NULL, FEATURES },
        { "protocol-features", required_argument, NULL, PROTOCOL_FEATURES },
        { "queues", required_argument, NULL, QUEUES },
        { "ring-size", required_argument, NULL, RING_SIZE },
        { "packed", no_argument, NULL, PACKED },
        { "regions", required_argument, NULL, REGIONS },
        { "buffer-size", required_argument, NULL, BUFFER_SIZE },
        { "timeout", required_argument, NULL, TIMEOUT },
        { "detach", required_argument, NULL, DETACH },
        { "csum", required_argument, NULL, CSUM },
        { "gso", required_argument, NULL, GSO },
        { "flags", required_argument, NULL, FLAGS },
        { "count", required_argument, NULL, COUNT },
        { "queue", required_argument, NULL, QUEUE },
        { "seconds", required_argument, NULL, SECONDS },
        { "match", required_argument, NULL, MATCH },
        { "abrupt", no_argument, NULL, ABRUPT },
        { "reset", no_argument, NULL, RESET },
        { "hold", required_argument, NULL, HOLD },
        { "list", no_argument, NULL, LIST },
        { NULL, 0, NULL, 0 },
    };
    uint16_t gso_type;
    int c;

    while ((c = getopt_long(*argc, *argv, "", options, NULL)) != -1) {
        switch (c) {
        case CONNECT:
            opt.connect = optarg;
            break;
        case LISTEN:
            opt.listen = optarg;
            break;
        case FEATURES:
            opt.feature_mask = number(optarg, UINT64_MAX);
            opt.feature_mask_given = true;
            break;
        case PROTOCOL_FEATURES:
            opt.protocol_mask = number(optarg, UINT64_MAX);
            opt.protocol_mask_given = true;
            break;
        case QUEUES:
            opt.n_pairs = number(optarg, VFE_MAX_PAIRS);
            break;
        case RING_SIZE:
            opt.ring_size = number(optarg, 32768);
            break;
        case PACKED:
            opt.packed = true;
            break;
        case REGIONS:
            opt.n_regions = number(optarg, VFE_MAX_REGIONS);
            break;
        case BUFFER_SIZE:
            opt.buf_size = number(optarg, 1 << 20);
            break;
        case TIMEOUT:
            opt.timeout_ms = number(optarg, 100000) * 1000;
            break;
        case DETACH:
            opt.pidfile = optarg;
            break;
        case CSUM:
            numbers(optarg, (uint16_t *[]) { &opt.hdr.csum_start,
                                             &opt.hdr.csum_offset }, 2);
            opt.hdr.flags |= VFE_HDR_NEEDS_CSUM;
            break;
        case GSO:
            numbers(optarg, (uint16_t *[]) { &gso_type, &opt.hdr.gso_size,
                                             &opt.hdr.hdr_len }, 3);
            opt.hdr.gso_type = gso_type;
            break;
        case FLAGS:
            opt.hdr.flags = number(optarg, UINT8_MAX);
            break;
        case COUNT:
            opt.count = number(optarg, UINT32_MAX);
            opt.count_given = true;
            break;
        case QUEUE:
            opt.pair = number(optarg, VFE_MAX_PAIRS - 1);
            break;
        case SECONDS:
            opt.seconds = number(optarg, 100000);
            break;
        case MATCH:
            opt.match = optarg;
            break;
        case ABRUPT:
            opt.abrupt = true;
            break;
        case RESET:
            opt.reset = true;
            break;
        case HOLD:
            opt.hold_ms = number(optarg, 100000) * 1000;
            break;
        case LIST:
            hostile_list();
            exit(0);
        default:
            usage();
        }
    }
    *argc -= optind;
    *argv += optind;
    if (!opt.n_pairs || !opt.ring_size || !opt.n_regions
        || opt.buf_size < 64) {
        usage();
    }
}

int
main(int argc, char *argv[])
{
    struct sigaction action = { .sa_handler = on_signal };
    struct rlimit limit;

    parse_options(&argc, &argv);
    if (argc < 1 || !opt.connect == !opt.listen) {
        usage();
    }
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);

    /* Hundreds of queues and connections want as many descriptors. */
    if (!getrlimit(RLIMIT_NOFILE, &limit)) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (opt.listen) {
        int error = vfe_listen(opt.listen, &opt.listen_fd);

        if (error) {
            fatal(error, "%s", opt.listen);
        }
    }

    const char *command = argv[0];
    if (!strcmp(command, "info") && argc == 1) {
        cmd_info();
    } else if (!strcmp(command, "send") && argc > 1) {
        cmd_send(argv + 1);
    } else if (!strcmp(command, "recv") && argc == 2) {
        cmd_recv(number(argv[1], UINT32_MAX));
    } else if (!strcmp(command, "echo") && argc == 1) {
        cmd_echo();
    } else if (!strcmp(command, "sink") && argc == 1) {
        cmd_sink();
    } else if (!strcmp(command, "flood") && argc <= 2) {
        cmd_flood(argv[1]);
    } else if (!strcmp(command, "stall") && argc == 1) {
        cmd_stall();
    } else if (!strcmp(command, "reconnect") && (argc == 2 || argc == 3)) {
        cmd_reconnect(number(argv[1], UINT32_MAX), argv[2]);
    } else if (!strcmp(command, "hostile") && (argc == 2 || argc == 3)) {
        cmd_hostile(argv[1], argv[2]);
    } else {
        usage();
    }
    if (opt.listen_fd >= 0) {
        unlink(opt.listen);
    }
    return 0;
}
