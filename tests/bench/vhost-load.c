/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* A guest for benchmarks of vhost-user ports: virtio-net devices of DPDK's
 * virtio_user, which send, receive or echo packets.  Like testpmd, but one
 * thread can send on a device and receive on another, and it obeys commands.
 * So one CPU is enough for both ends of a path, and a guest that waits for a
 * command takes no time at all.
 *
 * What costs a guest time, and would not tell anything of the switch, is left
 * out: packets to send are made once, and those received are not looked at. */

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "packet.h"
#include "tool.h"

#define MAX_DEVICES 8
#define MIN_SIZE 60
#define MAX_SIZE 1514
#define BURST 32

/* How long to sleep when nothing comes in, in ns.  Leaves the CPU to a program
 * that sends on another path to the switch; and no more packets than fit in a
 * ring of 256 can come in the meantime. */
#define NAP_NS 20000

/* Turns of a busy loop between looks for a command. */
#define COMMAND_INTERVAL 256

static void usage(FILE *, int status) __attribute__((noreturn));

static void
usage(FILE *stream, int status)
{
    fputs("usage: vhost-load [-m MB] [-q ENTRIES] CPU SOCKET...\n"
          "\n"
          "Makes a virtio-net device for each SOCKET, which it creates and\n"
          "to which the switch connects.  Runs on CPU.  Prints \"ready\"\n"
          "when all are connected, and then obeys commands on its input,\n"
          "until that ends.  Devices are numbered from 0.\n"
          "  -m MB       memory of the guest [64]\n"
          "  -q ENTRIES  size of each virtqueue [256]\n"
          "\n"
          "Commands, each answered by \"ok\" unless said otherwise:\n"
          "  echo D        send back what comes in; sleep if nothing does\n"
          "  receive D     count and drop it; sleep if nothing comes\n"
          "  send D SIZE   send UDP packets of SIZE bytes (without the frame\n"
          "                check sequence)\n"
          "  pass D E SIZE send them on D, and receive on E\n"
          "  stop          do nothing, as at the start\n"
          "  count         print \"SECONDS RECEIVED SENT TURNS IDLE\": a\n"
          "                time, and how many packets and turns of the loop\n"
          "                there have been so far, and turns in which there\n"
          "                was nothing to receive or no room to send\n",
          stream);
    exit(status);
}

static long int
parse_number(const char *s, long int min, long int max)
{
    char *end;
    long int value = strtol(s, &end, 10);

    if (end == s || *end || value < min || value > max) {
        fprintf(stderr, "vhost-load: %s is not a number from %ld to %ld\n",
                s, min, max);
        exit(2);
    }
    return value;
}

/* Devices. */

static int n_devices;

/* The packets that devices receive into, and those that are to be sent: the
 * latter stay as they are. */
static struct rte_mempool *rx_pool;
static struct rte_mempool *tx_pool;

/* Starts DPDK with a virtio_user device for each of the 'n' sockets at
 * 'paths'. */
static void
start_eal(const char *cpu, long int megabytes, long int ring_size,
          char *paths[], int n)
{
    char *args[MAX_DEVICES + 16];
    int n_args = 0;

    args[n_args++] = "vhost-load";
    args[n_args++] = "--no-huge";
    args[n_args++] = "--no-pci";
    args[n_args++] = "--no-shconf";
    args[n_args++] = "--no-telemetry";
    args[n_args++] = "--log-level=lib.*:warning";
    args[n_args++] = "-l";
    args[n_args++] = strdup(cpu);
    args[n_args++] = "-m";
    if (asprintf(&args[n_args++], "%ld", megabytes) < 0
        || asprintf(&args[n_args++], "--file-prefix=vhost-load-%ld",
                    (long int) getpid()) < 0) {
        fatal(0, "out of memory");
    }
    for (int i = 0; i < n; i++) {
        if (asprintf(&args[n_args++],
                     "--vdev=net_virtio_user%d,path=%s,server=1,queues=1,"
                     "queue_size=%ld,mac=02:00:00:00:00:%02x",
                     i, paths[i], ring_size, i) < 0) {
            fatal(0, "out of memory");
        }
    }

    /* DPDK talks on standard output. */
    fflush(stdout);
    int out = dup(STDOUT_FILENO);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    if (rte_eal_init(n_args, args) < 0) {
        fatal(rte_errno, "cannot start DPDK");
    }
    dup2(out, STDOUT_FILENO);
    close(out);

    n_devices = rte_eth_dev_count_avail();
    if (n_devices != n) {
        fatal(0, "DPDK made %d devices instead of %d", n_devices, n);
    }
}

static struct rte_mempool *
make_pool(const char *name)
{
    /* Twice what all rings can hold, and what the pool's cache keeps. */
    struct rte_mempool *pool = rte_pktmbuf_pool_create(
        name, 2048 * n_devices + 511, 256, 0,
        RTE_PKTMBUF_HEADROOM + 2048, SOCKET_ID_ANY);

    if (!pool) {
        fatal(rte_errno, "cannot allocate packets (see -m)");
    }
    return pool;
}

static void
start_device(int port, long int ring_size)
{
    struct rte_eth_conf conf = { .rxmode.mq_mode = RTE_ETH_MQ_RX_NONE };

    int error = rte_eth_dev_configure(port, 1, 1, &conf);
    if (!error) {
        error = rte_eth_rx_queue_setup(port, 0, ring_size, SOCKET_ID_ANY,
                                       NULL, rx_pool);
    }
    if (!error) {
        error = rte_eth_tx_queue_setup(port, 0, ring_size, SOCKET_ID_ANY,
                                       NULL);
    }
    if (!error) {
        error = rte_eth_dev_start(port);
    }
    if (error) {
        fatal(-error, "starting device %d", port);
    }
}

static void
wait_for_link(int port)
{
    struct rte_eth_link link;

    for (;;) {
        if (rte_eth_link_get_nowait(port, &link) < 0) {
            fatal(0, "device %d has no link state", port);
        }
        if (link.link_status == RTE_ETH_LINK_UP) {
            break;
        }
        usleep(10000);
    }
}

/* Writes the packet to send to an element of tx_pool. */
static void
write_packet(struct rte_mempool *pool, void *size_, void *element,
             unsigned int index)
{
    struct rte_mbuf *mbuf = element;
    size_t size = *(const size_t *) size_;
    struct packet_spec spec = {
        .eth_dst = { 2, 0, 0, 0, 0, 2 }, .eth_src = { 2, 0, 0, 0, 0, 1 },
        .ip_version = 4,
        .ip_src = { 192, 0, 2, 1 }, .ip_dst = { 192, 0, 2, 2 },
        .sport = 1024, .dport = 9, .csum = PACKET_CSUM_GOOD,
        .payload_len = size - 14 - 20 - 8, .seed = 1,
    };
    struct packet_place place;

    (void) pool;
    (void) index;
    packet_build(&spec, (uint8_t *) mbuf->buf_addr + RTE_PKTMBUF_HEADROOM,
                 2048, &place);
}

/* What to do: receive on 'rx', send packets of 'size' bytes on 'tx', if these
 * are not -1.  With 'echo', what was received is sent there. */
struct job {
    int rx, tx;
    bool echo;
    size_t size;
};

static uint64_t n_received, n_sent, n_turns, n_idle;

/* Sends the 'n' packets at 'mbufs', or drops them. */
static void
send_or_free(int port, struct rte_mbuf *mbufs[], uint16_t n)
{
    uint16_t k = rte_eth_tx_burst(port, 0, mbufs, n);

    n_sent += k;
    if (k < n) {
        rte_pktmbuf_free_bulk(mbufs + k, n - k);
    }
}

/* Sends a burst of prepared packets.  Returns whether there was room. */
static bool
generate(const struct job *job)
{
    struct rte_mbuf *mbufs[BURST];

    if (rte_pktmbuf_alloc_bulk(tx_pool, mbufs, BURST)) {
        fatal(0, "there are too few packets");
    }
    for (int i = 0; i < BURST; i++) {
        mbufs[i]->data_len = job->size;
        mbufs[i]->pkt_len = job->size;
    }

    uint64_t before = n_sent;
    send_or_free(job->tx, mbufs, BURST);
    return n_sent != before;
}

/* Does a turn of the loop for 'job'.  Returns false if there was nothing to do
 * until packets come. */
static bool
do_turn(const struct job *job)
{
    bool idle = false;

    if (job->size) {
        idle = !generate(job);
    }
    if (job->rx >= 0) {
        struct rte_mbuf *mbufs[BURST];
        uint16_t n = rte_eth_rx_burst(job->rx, 0, mbufs, BURST);

        n_received += n;
        if (!n) {
            idle = true;
        } else if (job->echo) {
            send_or_free(job->tx, mbufs, n);
        } else {
            rte_pktmbuf_free_bulk(mbufs, n);
        }
    }

    n_turns++;
    n_idle += idle;
    return !idle || job->size;
}

/* Commands. */

static bool
valid_device(int device)
{
    return device >= 0 && device < n_devices;
}

/* Obeys the command in 'line', by a change of '*job' or an answer. */
static void
obey(const char *line, struct job *job)
{
    struct job new = { .rx = -1, .tx = -1 };
    int size = MIN_SIZE;
    bool count = false;
    int n = 0;

    if (sscanf(line, "echo %d %n", &new.rx, &n) == 1) {
        new.tx = new.rx;
        new.echo = true;
    } else if (sscanf(line, "receive %d %n", &new.rx, &n) == 1
               || sscanf(line, "send %d %d %n", &new.tx, &size, &n) == 2
               || sscanf(line, "pass %d %d %d %n",
                         &new.tx, &new.rx, &size, &n) == 3) {
        new.size = new.tx >= 0 ? size : 0;
    } else {
        count = !strcmp(line, "count\n");
        n = count || !strcmp(line, "stop\n") ? strlen(line) : 0;
    }

    if (!n || line[n] || size < MIN_SIZE || size > MAX_SIZE
        || (new.rx != -1 && !valid_device(new.rx))
        || (new.tx != -1 && !valid_device(new.tx))) {
        fatal(0, "bad command: %s", line);
    }
    if (count) {
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        printf("%lld.%09ld %"PRIu64" %"PRIu64" %"PRIu64" %"PRIu64"\n",
               (long long int) ts.tv_sec, ts.tv_nsec,
               n_received, n_sent, n_turns, n_idle);
    } else {
        if (new.size && new.size != job->size) {
            rte_mempool_obj_iter(tx_pool, write_packet, &new.size);
        }
        *job = new;
        puts("ok");
    }
}

/* Reads a command into 'line'.  If 'timeout_ns' is positive, waits for it so
 * long; if negative, for ever.  Returns whether there was one.  Ends the
 * program at the end of input. */
static bool
get_command(long int timeout_ns, char *line, size_t size)
{
    struct pollfd pfd = { .fd = STDIN_FILENO, .events = POLLIN };
    struct timespec timeout = { .tv_nsec = timeout_ns };

    if (ppoll(&pfd, 1, timeout_ns < 0 ? NULL : &timeout, NULL) <= 0) {
        return false;
    }
    if (!fgets(line, size, stdin)) {
        exit(EXIT_SUCCESS);
    }
    return true;
}

static void run(void) __attribute__((noreturn));

static void
run(void)
{
    struct job job = { .rx = -1, .tx = -1 };
    long int timeout_ns = -1;

    for (;;) {
        char line[64];

        if (get_command(timeout_ns, line, sizeof line)) {
            obey(line, &job);
        }
        if (job.rx < 0 && job.tx < 0) {
            timeout_ns = -1;
            continue;
        }
        timeout_ns = 0;
        for (int i = 0; i < COMMAND_INTERVAL; i++) {
            if (!do_turn(&job)) {
                timeout_ns = NAP_NS;
                break;
            }
        }
    }
}

int
main(int argc, char *argv[])
{
    long int ring_size = 256;
    long int megabytes = 64;
    int c;

    while ((c = getopt(argc, argv, "+m:q:h")) != -1) {
        switch (c) {
        case 'm': megabytes = parse_number(optarg, 16, 65536); break;
        case 'q': ring_size = parse_number(optarg, 64, 1024); break;
        case 'h': usage(stdout, 0);
        default: usage(stderr, 2);
        }
    }

    char **paths = argv + optind + 1;
    int n = argc - optind - 1;
    if (n < 1 || n > MAX_DEVICES) {
        usage(stderr, 2);
    }
    parse_number(argv[optind], 0, 1023);

    /* Answers must not wait in a buffer, and of commands that come while one
     * is read, poll() must know. */
    setlinebuf(stdout);
    setvbuf(stdin, NULL, _IONBF, 0);
    prctl(PR_SET_TIMERSLACK, 1);

    start_eal(argv[optind], megabytes, ring_size, paths, n);
    rx_pool = make_pool("rx");
    tx_pool = make_pool("tx");
    for (int i = 0; i < n; i++) {
        start_device(i, ring_size);
    }
    for (int i = 0; i < n; i++) {
        wait_for_link(i);
    }
    puts("ready");
    run();
}
