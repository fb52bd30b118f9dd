/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* Load generator and packet sink for benchmarks, both inside XDP: neither
 * touches the network stack, so they cost little next to what is measured.
 * Each needs root and a device with native XDP, such as a veth.
 *
 * The generator has the kernel run a program on packets of ours with
 * BPF_PROG_TEST_RUN and BPF_F_TEST_XDP_LIVE_FRAMES (see the kernel's
 * Documentation/bpf/bpf_prog_run.rst).  Each such call sets up memory anew,
 * hence the large number of packets in one. */

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/xdp-load.skel.h"
#include "tool.h"

#define ETH_LEN 14
#define IP_LEN 20
#define UDP_LEN 8
#define MIN_SIZE 60
#define MAX_SIZE 1514

/* Packets that the kernel hands to the device at a time; it allows 256. */
#define BATCH 64

/* Packets in one system call, if there is no pause between calls. */
#define FULL_SPEED_BURST 1000000

static void usage(FILE *, int status) __attribute__((noreturn));

static void
usage(FILE *stream, int status)
{
    fputs("usage: xdp-load send [-b BURST] [-i MS] [-t SECONDS] IFACE SIZE\n"
          "       xdp-load sink [-w SECONDS] [-t SECONDS] [-p TASK [-o TASK]]"
          " IFACE\n"
          "\n"
          "send: sends UDP packets of SIZE bytes (without the frame check\n"
          "sequence) out of IFACE, until it is killed.\n"
          "  -b BURST    packets in one system call [1000000]\n"
          "  -i MS       pause between calls [0]\n"
          "  -t SECONDS  stop by itself\n"
          "\n"
          "sink: drops and counts what comes in on IFACE, until SIGTERM;\n"
          "then prints \"PACKETS SECONDS USER SYSTEM LOST\".\n"
          "  -w SECONDS  start counting so much after the first packet\n"
          "  -t SECONDS  stop by itself, so much after that\n"
          "  -p TASK     a /proc/PID/task/TID: USER and SYSTEM are what this\n"
          "              thread spent in each, LOST what it had to wait for\n"
          "              its CPU, which must stay the same; all in seconds\n"
          "  -o TASK     another thread, whose waiting is added to LOST\n",
          stream);
    exit(status);
}

static double
parse_number(const char *s, double min, double max)
{
    char *end;
    double value = strtod(s, &end);

    if (end == s || *end || !(value >= min && value <= max)) {
        fprintf(stderr, "xdp-load: %s is not a number from %g to %g\n",
                s, min, max);
        exit(2);
    }
    return value;
}

static int
parse_iface(const char *name)
{
    int ifindex = if_nametoindex(name);

    if (!ifindex) {
        fatal(errno, "%s", name);
    }
    return ifindex;
}

static double
now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void
pause_for(double seconds)
{
    struct timespec ts = { .tv_sec = seconds };

    ts.tv_nsec = (seconds - ts.tv_sec) * 1e9;
    nanosleep(&ts, NULL);
}

/* Loads both programs and attaches xdp_load_sink to 'ifindex', for as long as
 * this process lives. */
static struct xdp_load *
load_and_attach(int ifindex)
{
    struct xdp_load *skel = xdp_load__open_and_load();

    if (!skel) {
        fatal(errno, "loading the XDP programs");
    }

    LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
    int fd = bpf_link_create(bpf_program__fd(skel->progs.xdp_load_sink),
                             ifindex, BPF_XDP, &opts);
    if (fd < 0) {
        fatal(-fd, "attaching the XDP program");
    }
    return skel;
}

/* Sending. */

static void
put16(uint8_t *p, uint16_t value)
{
    p[0] = value >> 8;
    p[1] = value;
}

/* Adds the 'n' bytes at 'p', an even number but at the end of a packet, to a
 * ones' complement sum. */
static uint32_t
sum16(uint32_t sum, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        sum += i & 1 ? p[i] : p[i] << 8;
    }
    return sum;
}

static uint16_t
fold(uint32_t sum)
{
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return ~sum;
}

/* Writes a UDP packet of 'size' bytes to 'packet', with valid checksums. */
static void
make_packet(uint8_t *packet, size_t size)
{
    uint8_t *ip = packet + ETH_LEN;
    uint8_t *udp = ip + IP_LEN;
    size_t udp_len = size - ETH_LEN - IP_LEN;

    memset(packet, 0, size);
    memcpy(packet, "\x02\0\0\0\0\2" "\x02\0\0\0\0\1" "\x08", 13);

    ip[0] = 0x45;
    put16(ip + 2, size - ETH_LEN);
    ip[8] = 64;                                 /* TTL. */
    ip[9] = 17;                                 /* UDP. */
    memcpy(ip + 12, "\xc0\0\2\1" "\xc0\0\2\2", 8); /* 192.0.2.1, .2. */
    put16(ip + 10, fold(sum16(0, ip, IP_LEN)));

    put16(udp, 1024);
    put16(udp + 2, 9);                          /* Discard. */
    put16(udp + 4, udp_len);
    for (size_t i = UDP_LEN; i < udp_len; i++) {
        udp[i] = i;
    }
    put16(udp + 6, fold(sum16(17 + udp_len + sum16(0, ip + 12, 8),
                              udp, udp_len)));
}

static void
cmd_send(int argc, char *argv[])
{
    uint8_t packet[MAX_SIZE];
    double interval = 0;
    double seconds = 0;
    int burst = FULL_SPEED_BURST;
    int c;

    while ((c = getopt(argc, argv, "+b:i:t:")) != -1) {
        switch (c) {
        case 'b': burst = parse_number(optarg, 1, 100e6); break;
        case 'i': interval = parse_number(optarg, 0, 1e6) / 1000; break;
        case 't': seconds = parse_number(optarg, 0.001, 1e6); break;
        default: usage(stderr, 2);
        }
    }
    if (argc - optind != 2) {
        usage(stderr, 2);
    }

    int ifindex = parse_iface(argv[optind]);
    int size = parse_number(argv[optind + 1], MIN_SIZE, MAX_SIZE);
    /* The kernel wants the device to be one that receives by XDP, too. */
    struct xdp_load *skel = load_and_attach(ifindex);
    struct xdp_md ctx = { .data_end = size, .ingress_ifindex = ifindex };
    double end = now() + seconds;

    make_packet(packet, size);
    do {
        LIBBPF_OPTS(bpf_test_run_opts, opts,
                    .data_in = packet, .data_size_in = size,
                    .ctx_in = &ctx, .ctx_size_in = sizeof ctx,
                    .repeat = burst, .batch_size = BATCH,
                    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
        int error = -bpf_prog_test_run_opts(
            bpf_program__fd(skel->progs.xdp_load_send), &opts);

        if (error && error != EINTR) {
            fatal(error, "sending");
        }
        if (interval) {
            pause_for(interval);
        }
    } while (!seconds || now() < end);
    xdp_load__destroy(skel);
}

/* Counting. */

static volatile sig_atomic_t stopped;

static void
stop(int sig)
{
    (void) sig;
    stopped = true;
}

/* All times are in seconds. */
struct sample {
    double when;
    uint64_t n_packets;
    double user, system;        /* Of the watched thread. */
    double lost;                /* It was ready to run, but did not. */
};

/* Reads the first line of file 'name' in folder 'dir' that starts with
 * 'prefix' to the 'size' bytes at 'line'. */
static void
read_line(const char *dir, const char *name, const char *prefix, char *line,
          size_t size)
{
    char *path;
    FILE *stream;
    bool found = false;

    if (asprintf(&path, "%s/%s", dir, name) < 0) {
        fatal(0, "out of memory");
    }
    stream = fopen(path, "r");
    while (stream && !found && fgets(line, size, stream)) {
        found = !strncmp(line, prefix, strlen(prefix));
    }
    if (!found) {
        fatal(0, "%s: cannot read this", path);
    }
    fclose(stream);
    free(path);
}

/* Adds to 's' the times of the thread whose /proc folder is 'task'. */
static void
sample_task(struct sample *s, const char *task)
{
    double tick = 1.0 / sysconf(_SC_CLK_TCK);
    unsigned long user, system, steal;
    unsigned long long delay;
    char line[1024], prefix[16];
    int cpu;

    /* The command, in parentheses, may contain anything.  The fields after it
     * are numbered from 3 in proc(5). */
    read_line(task, "stat", "", line, sizeof line);
    char *p = strrchr(line, ')');
    if (!p || sscanf(p + 1, " %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                     "%lu %lu %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                     "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %d",
                     &user, &system, &cpu) != 3) {
        fatal(0, "%s/stat: unknown format", task);
    }
    s->user += user * tick;
    s->system += system * tick;

    /* Time on the run queue, in ns; and ticks that the hypervisor took. */
    read_line(task, "schedstat", "", line, sizeof line);
    if (sscanf(line, "%*s %llu", &delay) != 1) {
        fatal(0, "%s/schedstat: unknown format", task);
    }
    snprintf(prefix, sizeof prefix, "cpu%d ", cpu);
    read_line("/proc", "stat", prefix, line, sizeof line);
    if (sscanf(line, "%*s %*s %*s %*s %*s %*s %*s %*s %lu", &steal) != 1) {
        fatal(0, "/proc/stat: unknown format");
    }
    s->lost += delay / 1e9 + steal * tick;
}

static void
take_sample(struct sample *s, const struct xdp_load *skel, const char *task,
            const char *other_task)
{
    uint64_t per_cpu[libbpf_num_possible_cpus()];
    uint32_t key = 0;

    memset(s, 0, sizeof *s);
    s->when = now();
    if (bpf_map_lookup_elem(bpf_map__fd(skel->maps.n_packets), &key,
                            per_cpu)) {
        fatal(errno, "reading the counter");
    }
    for (size_t i = 0; i < sizeof per_cpu / sizeof per_cpu[0]; i++) {
        s->n_packets += per_cpu[i];
    }
    if (task) {
        sample_task(s, task);
    }
    if (other_task) {
        struct sample other = { .lost = 0 };

        sample_task(&other, other_task);
        s->lost += other.lost;
    }
}

static void
cmd_sink(int argc, char *argv[])
{
    struct sigaction action = { .sa_handler = stop };
    const char *task = NULL;
    const char *other_task = NULL;
    double seconds = 0;
    double warm_up = 0;
    struct sample first, last;
    int c;

    while ((c = getopt(argc, argv, "+o:p:t:w:")) != -1) {
        switch (c) {
        case 'o': other_task = optarg; break;
        case 'p': task = optarg; break;
        case 't': seconds = parse_number(optarg, 0.001, 1e6); break;
        case 'w': warm_up = parse_number(optarg, 0, 1e6); break;
        default: usage(stderr, 2);
        }
    }
    if (argc - optind != 1) {
        usage(stderr, 2);
    }

    sigaction(SIGTERM, &action, NULL);
    struct xdp_load *skel = load_and_attach(parse_iface(argv[optind]));

    if (warm_up) {
        do {
            pause_for(0.001);
            take_sample(&first, skel, task, other_task);
        } while (!first.n_packets && !stopped);
        if (!stopped) {
            pause_for(warm_up);
        }
    }
    take_sample(&first, skel, task, other_task);
    double end = first.when + seconds;
    while (!stopped && (!seconds || now() < end)) {
        pause_for(seconds ? end - now() : 1);
    }
    take_sample(&last, skel, task, other_task);

    printf("%"PRIu64" %.3f %.2f %.2f %.3f\n",
           last.n_packets - first.n_packets, last.when - first.when,
           last.user - first.user, last.system - first.system,
           last.lost - first.lost);
    xdp_load__destroy(skel);
}

int
main(int argc, char *argv[])
{
    if (argc < 2) {
        usage(stderr, 2);
    } else if (!strcmp(argv[1], "send")) {
        cmd_send(argc - 1, argv + 1);
    } else if (!strcmp(argv[1], "sink")) {
        cmd_sink(argc - 1, argv + 1);
    } else if (!strcmp(argv[1], "--help")) {
        usage(stdout, 0);
    } else {
        usage(stderr, 2);
    }
    return 0;
}
