/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* A traffic generator inside the kernel, by XDP programs. */

#include "generator.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <math.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "cpus.h"
#include "exec.h"
#include "util.h"
#include "fig7a/generator.skel.h"

/* Packets that the kernel hands to a device at a time; it allows 256, which is
 * also the size of a veth's ring. */
#define BATCH 64

/* The generator sends what is due so often, in ns. */
#define TICK 100000

/* If it is late, and more than this number of packets is due, it does not send
 * the others: they would overrun the switch's ring of 2048. */
#define MAX_BURST 1024

/* What a thread that sends does. */
struct sender {
    const struct fig7a_generator *generator;
    int prog_fd;
    double rate;                /* Packets per second. */
    unsigned int max_burst;
    long long int start, end;   /* In ns, as time_nsec() has it. */
    int error;                  /* 0 or a positive errno value. */
};

static long long int
time_nsec(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void
sleep_until(long long int when)
{
    struct timespec ts = {
        .tv_sec = when / 1000000000, .tv_nsec = when % 1000000000
    };

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

/* Writes to g->packet what is the same in all packets of this
 * measurement. */
static void
make_packet(struct fig7a_generator *g)
{
    struct fig7a_packet p = {
        .eth = {
            .h_dest = { 2, 0, 0, 0, 0, 2 },
            .h_source = { 2, 0, 0, 0, 0, 1 },
            .h_proto = htons(ETH_P_IP),
        },
        .ip = {
            .version = 4,
            .ihl = 5,
            .tot_len = htons(FIG7A_PACKET_SIZE - sizeof p.eth),
            .ttl = 64,
            .protocol = IPPROTO_UDP,
        },
        .udp = {
            .dest = htons(FIG7A_SERVER_PORT),
            .len = htons(FIG7A_PACKET_SIZE - sizeof p.eth - sizeof p.ip),
        },
        .run = g->run,
    };
    struct fig7a_sent *sent = &g->skel->bss->sent;
    size_t ip_ofs = sizeof p.eth;
    size_t udp_ofs = ip_ofs + sizeof p.ip;
    uint16_t word;

    BUILD_ASSERT_DECL(sizeof p <= FIG7A_PACKET_SIZE);
    memset(g->packet, 0, sizeof g->packet);
    memcpy(g->packet, &p, sizeof p);

    sent->run = g->run;
    sent->ip_sum = 0;
    for (size_t i = ip_ofs; i < udp_ofs; i += 2) {
        memcpy(&word, &g->packet[i], sizeof word);
        sent->ip_sum += word;
    }
    sent->udp_sum = htons(IPPROTO_UDP) + p.udp.len;
    for (size_t i = udp_ofs; i < sizeof g->packet; i += 2) {
        memcpy(&word, &g->packet[i], sizeof word);
        sent->udp_sum += word;
    }
}

static int
ignore_libbpf(enum libbpf_print_level level OVS_UNUSED,
              const char *format OVS_UNUSED, va_list args OVS_UNUSED)
{
    return 0;
}

/* Returns null, or what went wrong, for the caller to free. */
static char *
attach_program(const struct bpf_program *prog, const char *device)
{
    LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
    int fd = bpf_link_create(bpf_program__fd(prog), if_nametoindex(device),
                             BPF_XDP, &opts);

    return (fd >= 0 ? NULL
            : xasprintf("cannot attach an XDP program to %s: %s", device,
                        ovs_strerror(-fd)));
}

/* Loads the XDP programs, to send out of the device 'out', and to count what
 * comes in there and to 'in'.  'spare' is a device that nobody uses.  They are
 * detached when the process ends.  Returns null, or what went wrong, for the
 * caller to free; then, 'g' must not be destroyed.  The caller sets the rates
 * and the CPU. */
char *
fig7a_generator_init(struct fig7a_generator *g, const char *out,
                     const char *in, const char *spare)
{
    char *error;

    libbpf_set_print(ignore_libbpf);
    g->skel = fig7a_generator_bpf__open_and_load();
    if (!g->skel) {
        return xasprintf("cannot load XDP programs: %s", ovs_strerror(errno));
    }
    g->run = 0;
    g->send_ctx = (struct xdp_md) {
        .data_end = FIG7A_PACKET_SIZE,
        .ingress_ifindex = if_nametoindex(out),
    };
    error = attach_program(g->skel->progs.fig7a_count, out);
    if (!error) {
        error = attach_program(g->skel->progs.fig7a_count, in);
    }
    /* When the kernel runs a program that is not in use, it waits for an RCU
     * grace period, some 10 ms, before and after. */
    if (!error) {
        error = attach_program(g->skel->progs.fig7a_send, spare);
    }
    if (error) {
        fig7a_generator_destroy(g);
    }
    return error;
}

/* Frees what 'g' has. */
void
fig7a_generator_destroy(struct fig7a_generator *g)
{
    fig7a_generator_bpf__destroy(g->skel);
    g->skel = NULL;
}

/* Has the kernel send 'n' packets.  Returns 0 or a positive errno value. */
static int
send_packets(const struct sender *s, unsigned int n)
{
    LIBBPF_OPTS(bpf_test_run_opts, opts,
                .data_in = s->generator->packet,
                .data_size_in = sizeof s->generator->packet,
                .ctx_in = &s->generator->send_ctx,
                .ctx_size_in = sizeof s->generator->send_ctx,
                .repeat = n, .batch_size = MIN(n, BATCH),
                .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
    int error = -bpf_prog_test_run_opts(s->prog_fd, &opts);

    return error == EINTR ? 0 : error;
}

/* Sends at a steady rate, between two moments. */
static void *
sender_main(void *s_)
{
    struct sender *s = s_;
    double sent = 0;            /* Or given up. */
    long long int now;

    fig7a_run_on_cpu(s->generator->cpu);
    prctl(PR_SET_TIMERSLACK, 1);
    sleep_until(s->start);
    while ((now = time_nsec()) < s->end && !s->error && !fig7a_interrupted()) {
        double due = (now - s->start) * s->rate / 1e9 - sent;

        if (due < 1) {
            sleep_until(now + MAX(TICK, (1 - due) / s->rate * 1e9));
            continue;
        }
        due = floor(due);
        if (due > s->max_burst) {
            sent += due - s->max_burst;
            due = s->max_burst;
        }
        s->error = send_packets(s, due);
        sent += due;
    }
    return NULL;
}

/* Adds up in 'r' what all CPUs have counted. */
static void
get_received(const struct fig7a_generator *g, struct fig7a_received *r)
{
    size_t n = libbpf_num_possible_cpus();
    struct fig7a_received *values = xcalloc(n, sizeof *values);
    uint32_t key = 0;

    memset(r, 0, sizeof *r);
    if (bpf_map_lookup_elem(bpf_map__fd(g->skel->maps.received), &key,
                            values)) {
        ovs_fatal(errno, "cannot read the counters of XDP programs");
    }
    for (size_t i = 0; i < n; i++) {
        r->packets += values[i].packets;
        r->probes += values[i].probes;
        r->max_latency = MAX(r->max_latency, values[i].max_latency);
        for (size_t j = 0; j < FIG7A_N_BUCKETS; j++) {
            r->latency[j] += values[i].latency[j];
        }
    }
    free(values);
}

static void
clear_received(const struct fig7a_generator *g)
{
    size_t n = libbpf_num_possible_cpus();
    struct fig7a_received *values = xcalloc(n, sizeof *values);
    uint32_t key = 0;

    if (bpf_map_update_elem(bpf_map__fd(g->skel->maps.received), &key,
                            values, BPF_ANY)) {
        ovs_fatal(errno, "cannot reset the counters of XDP programs");
    }
    free(values);
}

/* The longest latency, in ns, of bucket 'i'. */
static double
bucket_limit(size_t i)
{
    size_t shift = i < 2 * FIG7A_SUB_BUCKETS ? 0 : i / FIG7A_SUB_BUCKETS - 1;

    return (double) ((i - shift * FIG7A_SUB_BUCKETS + 1) << shift) - 1;
}

/* Fills in the percentiles of 's', in microseconds, all NaN if there are
 * none. */
static void
get_percentiles(const struct fig7a_received *r, struct fig7a_sample *s)
{
    static const double ranks[] = { 0.5, 0.9, 0.99, 0.999 };
    size_t rank = 0;
    uint64_t n = 0;

    BUILD_ASSERT_DECL(ARRAY_SIZE(s->percentiles) == ARRAY_SIZE(ranks) + 1);
    if (!r->probes) {
        for (size_t i = 0; i < ARRAY_SIZE(s->percentiles); i++) {
            s->percentiles[i] = NAN;
        }
        return;
    }
    for (size_t i = 0; i < FIG7A_N_BUCKETS; i++) {
        n += r->latency[i];
        while (rank < ARRAY_SIZE(ranks) && n >= ranks[rank] * r->probes) {
            s->percentiles[rank++] = MIN(bucket_limit(i),
                                         r->max_latency) / 1000;
        }
    }
    s->percentiles[rank] = r->max_latency / 1000.0;
}

/* Waits until nothing more comes back. */
static void
wait_until_quiet(const struct fig7a_generator *g, struct fig7a_received *r)
{
    uint64_t last = UINT64_MAX;
    int n_same = 0;

    while (n_same < 4 && !fig7a_interrupted()) {
        get_received(g, r);
        n_same = r->packets + r->probes == last ? n_same + 1 : 0;
        last = r->packets + r->probes;
        usleep(50000);
    }
}

/* Sends for 'seconds', or until the process is to end, and stores what came of
 * it in '*s'.  Returns null, or what went wrong, for the caller to free. */
char *
fig7a_generator_measure(struct fig7a_generator *g, double seconds,
                        struct fig7a_sample *s)
{
    struct fig7a_sent *sent = &g->skel->bss->sent;
    long long int start = time_nsec() + 5000000;
    long long int end = start + seconds * 1e9;
    struct sender senders[] = {
        {
            .generator = g,
            .prog_fd = bpf_program__fd(g->skel->progs.fig7a_send),
            .rate = g->rate,
            .max_burst = MAX_BURST,
            .start = start,
            .end = end,
        }, {
            .generator = g,
            .prog_fd = bpf_program__fd(g->skel->progs.fig7a_probe),
            .rate = g->probes,
            .max_burst = 1,
            .start = start,
            .end = end,
        }
    };
    size_t n = g->probes ? 2 : 1;
    struct fig7a_received *r;
    pthread_t threads[2];
    int error = 0;

    g->run++;
    make_packet(g);
    sent->packets = 0;
    sent->probes = 0;
    clear_received(g);
    for (size_t i = 0; i < n; i++) {
        error = pthread_create(&threads[i], NULL, sender_main, &senders[i]);
        if (error) {
            ovs_fatal(error, "cannot start a thread");
        }
    }
    for (size_t i = 0; i < n; i++) {
        pthread_join(threads[i], NULL);
        error = error ? error : senders[i].error;
    }
    if (error) {
        return xasprintf("the kernel cannot send (BPF_PROG_TEST_RUN with live "
                         "frames): %s", ovs_strerror(error));
    }

    r = xmalloc(sizeof *r);
    wait_until_quiet(g, r);
    *s = (struct fig7a_sample) {
        .seconds = seconds,
        .sent = sent->packets,
        .received = r->packets,
        .probes_sent = sent->probes,
        .probes_received = r->probes,
    };
    get_percentiles(r, s);
    free(r);
    return NULL;
}
