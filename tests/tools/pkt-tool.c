/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* What the system tests send and receive with; usage() has the commands.
 *
 * Commands that stay, "serve" and "sniff", go to the background once they are
 * ready: when the command returns, traffic may start. */

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "packet.h"
#include "tool.h"

#ifndef SOL_PACKET
#define SOL_PACKET 263
#endif

#define MAX_FRAME 65536
#define TCP_CHUNK 65536

/* How long a peer may be silent.  Generous, since machines may be busy. */
#define TIMEOUT_MS 60000

static void
usage(void)
{
    fputs("usage: pkt-tool COMMAND\n"
          "  serve PORT PIDFILE\n"
          "      echo what TCP and UDP peers send; in the background\n"
          "  tcp ADDRESS PORT BYTES\n"
          "      send random bytes to such a server, compare what comes back\n"
          "  udp ADDRESS PORT COUNT [MAX-SIZE]\n"
          "      the same with datagrams of random sizes\n"
          "  frame KEY=VALUE...\n"
          "      print a frame in hexadecimal; keys: dmac smac vlan (may be\n"
          "      twice) src dst proto=tcp|udp sport dport len seed\n"
          "      csum=good|bad|partial|none\n"
          "  send DEVICE [COUNT] < HEX\n"
          "      send frames just as they are\n"
          "  offload DEVICE < HEX\n"
          "      send frames, as the kernel sends its own: with a request to\n"
          "      complete the checksum if it is partial\n"
          "  sniff DEVICE PORT PIDFILE > FILE\n"
          "      record frames to this TCP or UDP port; in the background.\n"
          "      One line each: vlan-tag-beside state-of-checksum frame.\n"
          "      The state is \"partial\" only if the kernel said so, too\n",
          stderr);
    exit(2);
}

/* Continues in the background, with the process ID in 'pidfile'. */
static void
go_to_background(const char *pidfile)
{
    fflush(stdout);

    pid_t pid = fork();
    if (pid < 0) {
        fatal(errno, "fork");
    } else if (pid) {
        FILE *f = fopen(pidfile, "w");

        if (!f || fprintf(f, "%ld\n", (long int) pid) < 0 || fclose(f)) {
            fatal(errno, "%s", pidfile);
        }
        exit(0);
    }
    setsid();
    fclose(stdin);
    if (!freopen("/dev/null", "w", stderr)) {
        exit(1);
    }
}

static int
open_inet(int type, const char *host, const char *port, bool passive)
{
    struct addrinfo hints = {
        .ai_family = passive ? AF_INET6 : AF_UNSPEC,
        .ai_socktype = type,
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
                    | (passive ? AI_PASSIVE : 0),
    };
    struct addrinfo *ai;
    int fd;

    if (getaddrinfo(host, port, &hints, &ai)) {
        fatal(0, "bad address or port");
    }
    fd = socket(ai->ai_family, type, 0);
    if (fd < 0) {
        fatal(errno, "socket");
    }
    if (passive) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int) { 0 }, sizeof(int));
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int) { 1 }, sizeof(int));
        if (bind(fd, ai->ai_addr, ai->ai_addrlen)) {
            fatal(errno, "bind");
        }
    } else if (connect(fd, ai->ai_addr, ai->ai_addrlen)) {
        fatal(errno, "connect");
    }
    freeaddrinfo(ai);
    return fd;
}

/* "serve". */

static void
echo_tcp(int fd)
{
    static uint8_t buf[TCP_CHUNK];
    ssize_t n;

    while ((n = read(fd, buf, sizeof buf)) > 0) {
        for (ssize_t ofs = 0; ofs < n; ) {
            ssize_t sent = write(fd, buf + ofs, n - ofs);

            if (sent <= 0) {
                return;
            }
            ofs += sent;
        }
    }
}

static void
cmd_serve(const char *port, const char *pidfile)
{
    int tcp = open_inet(SOCK_STREAM, NULL, port, true);
    int udp = open_inet(SOCK_DGRAM, NULL, port, true);

    if (listen(tcp, 64)) {
        fatal(errno, "listen");
    }

    /* Answer from the address that was asked: an alias or a NAT address may
     * not be the one that routing would choose. */
    setsockopt(udp, IPPROTO_IPV6, IPV6_RECVPKTINFO, &(int) { 1 }, sizeof(int));
    go_to_background(pidfile);
    fclose(stdout);
    signal(SIGCHLD, SIG_IGN);

    for (;;) {
        struct pollfd pfds[] = {
            { .fd = tcp, .events = POLLIN },
            { .fd = udp, .events = POLLIN },
        };

        poll(pfds, 2, -1);
        if (pfds[0].revents) {
            int fd = accept(tcp, NULL, NULL);

            if (fd >= 0 && !fork()) {
                echo_tcp(fd);
                exit(0);
            }
            close(fd);
        }
        if (pfds[1].revents) {
            static uint8_t buf[MAX_FRAME];
            struct sockaddr_in6 from;
            uint8_t control[256];
            struct iovec iov = { .iov_base = buf, .iov_len = sizeof buf };
            struct msghdr msg = {
                .msg_name = &from, .msg_namelen = sizeof from,
                .msg_iov = &iov, .msg_iovlen = 1,
                .msg_control = control, .msg_controllen = sizeof control,
            };
            ssize_t n = recvmsg(udp, &msg, 0);

            if (n >= 0) {
                iov.iov_len = n;
                sendmsg(udp, &msg, 0);
            }
        }
    }
}

/* "tcp": sends and receives at the same time. */
static void
cmd_tcp(const char *host, const char *port, long long int n)
{
    int fd = open_inet(SOCK_STREAM, host, port, false);
    uint32_t out_state = getpid() * 2654435761u | 1, in_state = out_state;
    static uint8_t out[TCP_CHUNK], in[TCP_CHUNK];
    size_t out_len = 0, out_ofs = 0;
    long long int sent = 0, received = 0;

    while (received < n) {
        struct pollfd pfd = {
            .fd = fd, .events = POLLIN | (sent < n ? POLLOUT : 0),
        };

        if (poll(&pfd, 1, TIMEOUT_MS) <= 0) {
            fprintf(stderr, "pkt-tool: TCP: sent %lld of %lld, received "
                    "%lld, then nothing for %d s\n", sent, n, received,
                    TIMEOUT_MS / 1000);
            exit(1);
        }
        if (pfd.revents & POLLOUT) {
            if (out_ofs == out_len) {
                out_len = n - sent < TCP_CHUNK ? n - sent : TCP_CHUNK;
                out_ofs = 0;
                for (size_t i = 0; i < out_len; i++) {
                    out[i] = packet_random(&out_state) >> 8;
                }
            }

            ssize_t m = send(fd, out + out_ofs, out_len - out_ofs,
                             MSG_DONTWAIT);
            if (m < 0 && errno != EAGAIN) {
                fatal(errno, "TCP send");
            } else if (m > 0) {
                out_ofs += m;
                sent += m;
            }
        }
        if (pfd.revents & ~POLLOUT) {
            ssize_t m = read(fd, in, sizeof in);

            if (m <= 0) {
                fatal(errno, "TCP receive");
            }
            for (ssize_t i = 0; i < m; i++) {
                uint8_t expected = packet_random(&in_state) >> 8;

                if (in[i] != expected) {
                    fprintf(stderr, "pkt-tool: TCP: byte %lld is %02x but "
                            "must be %02x\n", received + i, in[i], expected);
                    exit(1);
                }
            }
            received += m;
        }
    }
    printf("tcp: %lld bytes echoed\n", received);
}

/* "udp": sends each datagram until it comes back, for the network may lose it,
 * but must not change it. */
static void
cmd_udp(const char *host, const char *port, unsigned int count,
        unsigned int max)
{
    int fd = open_inet(SOCK_DGRAM, host, port, false);
    uint32_t state = getpid() * 2654435761u | 1;
    static uint8_t out[MAX_FRAME], in[MAX_FRAME];
    long long int deadline = now_ms() + TIMEOUT_MS;
    unsigned int lost = 0;

    unsigned int size = 0;
    for (uint32_t seq = 0; seq < count; ) {
        if (!size) {                    /* Else it is sent again. */
            size = sizeof seq;
            if (max > sizeof seq) {
                size += packet_random(&state) % (max - sizeof seq + 1);
            }
            for (unsigned int i = 0; i < size; i++) {
                out[i] = packet_random(&state) >> 8;
            }
            memcpy(out, &seq, sizeof seq);
        }

        /* ARP, or IPv6 neighbor discovery, may want a moment. */
        if (send(fd, out, size, 0) < 0 && errno != EHOSTUNREACH
            && errno != ECONNREFUSED) {
            fatal(errno, "UDP send");
        }
        for (;;) {
            struct pollfd pfd = { .fd = fd, .events = POLLIN };

            if (poll(&pfd, 1, 300) <= 0) {
                lost++;
                break;
            }

            ssize_t n = recv(fd, in, sizeof in, MSG_DONTWAIT);
            uint32_t in_seq;

            if (n < 0) {
                continue;
            }
            if (n < sizeof in_seq) {
                fatal(0, "UDP: too short a datagram came back");
            }
            memcpy(&in_seq, in, sizeof in_seq);
            if (in_seq < seq) {
                continue;               /* Late: it was sent again. */
            }
            if (n != size || memcmp(in, out, size)) {
                fatal(0, "UDP: not the datagram that was sent came back");
            }
            seq++;
            size = 0;
            deadline = now_ms() + TIMEOUT_MS;
            break;
        }
        if (now_ms() > deadline) {
            fprintf(stderr, "pkt-tool: UDP: %u of %u datagrams came back, "
                    "then none for %d s\n", seq, count, TIMEOUT_MS / 1000);
            exit(1);
        }
    }
    fprintf(stderr, "udp: %u sent again\n", lost);
    printf("udp: %u datagrams echoed\n", count);
}

/* "frame". */

static void
parse_mac(const char *s, uint8_t mac[6])
{
    unsigned int m[6];

    if (sscanf(s, "%x:%x:%x:%x:%x:%x", &m[0], &m[1], &m[2], &m[3], &m[4],
               &m[5]) != 6) {
        fatal(0, "bad MAC address");
    }
    for (int i = 0; i < 6; i++) {
        mac[i] = m[i];
    }
}

static int
parse_ip(const char *s, uint8_t ip[16])
{
    if (inet_pton(AF_INET, s, ip) == 1) {
        return 4;
    } else if (inet_pton(AF_INET6, s, ip) == 1) {
        return 6;
    }
    fatal(0, "bad IP address");
    return 0;
}

static void
cmd_frame(char *args[])
{
    struct packet_spec spec = {
        .eth_dst = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
        .eth_src = { 2, 0, 0, 0, 0, 0xff },
        .sport = 1111, .dport = 2222, .payload_len = 100, .seed = 1,
    };
    static uint8_t frame[MAX_FRAME];
    struct packet_place place;

    for (; *args; args++) {
        char *key = *args, *value = strchr(key, '=');

        if (!value) {
            usage();
        }
        *value++ = '\0';
        if (!strcmp(key, "dmac")) {
            parse_mac(value, spec.eth_dst);
        } else if (!strcmp(key, "smac")) {
            parse_mac(value, spec.eth_src);
        } else if (!strcmp(key, "vlan") && spec.n_vlans < 2) {
            spec.vlans[spec.n_vlans++] = atoi(value);
        } else if (!strcmp(key, "src")) {
            spec.ip_version = parse_ip(value, spec.ip_src);
        } else if (!strcmp(key, "dst")) {
            spec.ip_version = parse_ip(value, spec.ip_dst);
        } else if (!strcmp(key, "proto")) {
            spec.tcp = !strcmp(value, "tcp");
        } else if (!strcmp(key, "sport")) {
            spec.sport = atoi(value);
        } else if (!strcmp(key, "dport")) {
            spec.dport = atoi(value);
        } else if (!strcmp(key, "len")) {
            spec.payload_len = atoi(value);
        } else if (!strcmp(key, "seed")) {
            spec.seed = atoi(value);
        } else if (!strcmp(key, "csum")) {
            while (strcmp(value, packet_csum_name(spec.csum))) {
                if (++spec.csum == PACKET_N_CSUMS) {
                    usage();
                }
            }
        } else {
            usage();
        }
    }
    if (!spec.ip_version) {
        usage();
    }

    size_t size = packet_build(&spec, frame, sizeof frame, &place);
    for (size_t i = 0; i < size; i++) {
        printf("%02x", frame[i]);
    }
    putchar('\n');
}

/* "send" and "sniff". */

static int
open_packet(const char *device, bool receive)
{
    struct sockaddr_ll sll = {
        .sll_family = AF_PACKET,
        .sll_protocol = receive ? htons(ETH_P_ALL) : 0,
        .sll_ifindex = if_nametoindex(device),
    };
    int fd = socket(AF_PACKET, SOCK_RAW, 0);

    if (fd < 0 || !sll.sll_ifindex
        || (receive && setsockopt(fd, SOL_PACKET, PACKET_AUXDATA,
                                  &(int) { 1 }, sizeof(int)))
        || bind(fd, (struct sockaddr *) &sll, sizeof sll)) {
        fatal(errno, "%s", device);
    }
    return fd;
}

static void
cmd_send(const char *device, int count, bool offload)
{
    static char line[2 * MAX_FRAME + 2];
    static struct {
        struct virtio_net_hdr hdr;
        uint8_t data[MAX_FRAME];
    } frame;
    int fd = open_packet(device, false);

    if (offload && setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &(int) { 1 },
                              sizeof(int))) {
        fatal(errno, "PACKET_VNET_HDR");
    }
    while (fgets(line, sizeof line, stdin)) {
        struct packet_place place;
        size_t size = 0;
        unsigned int byte;

        while (sscanf(line + 2 * size, "%2x", &byte) == 1) {
            frame.data[size++] = byte;
        }

        const void *start = frame.data;
        if (offload) {
            memset(&frame.hdr, 0, sizeof frame.hdr);
            if (packet_find(frame.data, size, &place)
                && packet_csum_is_pseudo(frame.data, &place)) {
                frame.hdr.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
                frame.hdr.csum_start = place.l4;
                frame.hdr.csum_offset = place.csum - place.l4;
            }
            start = &frame;
            size += sizeof frame.hdr;
        }
        for (int i = 0; i < count; i++) {
            if (send(fd, start, size, 0) != size) {
                fatal(errno, "send");
            }
        }
    }
}

static void
cmd_sniff(const char *device, int port, const char *pidfile)
{
    int fd = open_packet(device, true);

    go_to_background(pidfile);
    for (;;) {
        static uint8_t frame[MAX_FRAME];
        struct sockaddr_ll from;
        char control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
        struct iovec iov = { .iov_base = frame, .iov_len = sizeof frame };
        struct msghdr msg = {
            .msg_name = &from, .msg_namelen = sizeof from,
            .msg_iov = &iov, .msg_iovlen = 1,
            .msg_control = control, .msg_controllen = sizeof control,
        };
        ssize_t size = recvmsg(fd, &msg, 0);
        struct tpacket_auxdata aux = { .tp_status = 0 };
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
        struct packet_place place;

        if (size < 0) {
            exit(1);
        }
        if (cmsg) {
            memcpy(&aux, CMSG_DATA(cmsg), sizeof aux);
        }
        if (from.sll_pkttype == PACKET_OUTGOING
            || !packet_find(frame, size, &place)
            || (frame[place.l4 + 2] << 8 | frame[place.l4 + 3]) != port) {
            continue;
        }

        /* A correct checksum may equal the sum of the pseudo-header.  Whether
         * the sender has completed it, only "not ready" tells. */
        enum packet_csum state = packet_check(frame, &place);
        const char *csum = packet_csum_name(state);
        if (aux.tp_status & TP_STATUS_CSUMNOTREADY) {
            csum = (packet_csum_is_pseudo(frame, &place) ? "partial"
                    : "not-ready-but-no-pseudo-header-sum");
        } else if (state == PACKET_CSUM_PARTIAL) {
            csum = "bad";
        }

        if (aux.tp_status & TP_STATUS_VLAN_VALID) {
            printf("%04x/%d ", aux.tp_vlan_tpid, aux.tp_vlan_tci & 0xfff);
        } else {
            fputs("- ", stdout);
        }
        fputs(csum, stdout);
        putchar(' ');
        for (ssize_t i = 0; i < size; i++) {
            printf("%02x", frame[i]);
        }
        putchar('\n');
        fflush(stdout);
    }
}

int
main(int argc, char *argv[])
{
    const char *command = argc > 1 ? argv[1] : "";

    if (!strcmp(command, "serve") && argc == 4) {
        cmd_serve(argv[2], argv[3]);
    } else if (!strcmp(command, "tcp") && argc == 5) {
        cmd_tcp(argv[2], argv[3], atoll(argv[4]));
    } else if (!strcmp(command, "udp") && (argc == 5 || argc == 6)) {
        cmd_udp(argv[2], argv[3], atoi(argv[4]),
                argc == 6 ? atoi(argv[5]) : 1200);
    } else if (!strcmp(command, "frame") && argc > 2) {
        cmd_frame(argv + 2);
    } else if (!strcmp(command, "send") && (argc == 3 || argc == 4)) {
        cmd_send(argv[2], argc == 4 ? atoi(argv[3]) : 1, false);
    } else if (!strcmp(command, "offload") && argc == 3) {
        cmd_send(argv[2], 1, true);
    } else if (!strcmp(command, "sniff") && argc == 5) {
        cmd_sniff(argv[2], atoi(argv[3]), argv[4]);
    } else {
        usage();
    }
    return 0;
}
