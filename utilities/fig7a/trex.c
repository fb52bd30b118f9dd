/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* "ovs-fig7a trex": writes the configuration of the traffic generator TRex for
 * two ports of this machine, runs it, and reports what it says. */

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <yaml.h>

#include "command-line.h"
#include "fig7a.h"
#include "exec.h"
#include "output.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "packets.h"
#include "process.h"
#include "svec.h"
#include "timeval.h"
#include "util.h"

#define DEFAULT_FILE "/etc/trex_cfg.yaml"
#define PROFILE "cap2/imix_64.yaml"

/* TRex, when asked to stop, needs a bit to do so, in ms. */
#define STOP_TIMEOUT 20000

/* Lines of its output that are shown if it fails. */
#define TAIL_LINES 5

/* A port of TRex. */
struct port {
    const char *name;           /* As it was given. */
    char pci[sizeof "ffff:ff:ff.f"];
    struct eth_addr mac;
};

/* The configuration. */

/* If 's' is a PCI address, with the domain or without, writes it to 'pci',
 * with the domain, and returns true. */
static bool
parse_pci(const char *s, char pci[sizeof "ffff:ff:ff.f"])
{
    unsigned int domain, bus, device, function;
    int n = 0;

    if (s[strspn(s, "0123456789abcdefABCDEF:.")]) {
        return false;
    }
    if (sscanf(s, "%4x:%2x:%2x.%1x%n", &domain, &bus, &device, &function,
               &n) != 4 || s[n]) {
        domain = 0;
        if (sscanf(s, "%2x:%2x.%1x%n", &bus, &device, &function, &n) != 3
            || s[n]) {
            return false;
        }
    }
    snprintf(pci, sizeof "ffff:ff:ff.f", "%04x:%02x:%02x.%x", domain & 0xffff,
             bus & 0xff, device & 0x1f, function & 0x7);
    return device < 0x20 && function < 8;
}

/* Writes to 'pci' the address of the PCI device behind the interface
 * 'name'. */
static void
find_pci(const char *name, const char *option,
         char pci[sizeof "ffff:ff:ff.f"])
{
    char *link = xasprintf("/sys/class/net/%s/device", name);
    char *net = xasprintf("/sys/class/net/%s", name);
    char *target = realpath(link, NULL);
    bool found = false;

    /* There may be another device between the two, as virtio has it. */
    while (target && !found && strrchr(target, '/')) {
        char *slash = strrchr(target, '/');

        found = parse_pci(slash + 1, pci);
        *slash = '\0';
    }
    if (access(net, F_OK) || strchr(name, '/')) {
        ovs_fatal(0, "--%s=%s: neither an interface nor a PCI address such as "
                  "02:00.0", option, name);
    } else if (!found) {
        ovs_fatal(0, "--%s=%s: not a PCI device, which TRex needs; to send "
                  "the same without one, use \"traffic\"", option, name);
    }
    free(target);
    free(net);
    free(link);
}

/* Reads the MAC of 'netdev', a folder of sysfs, to '*mac'. */
static bool
read_mac(const char *netdev, struct eth_addr *mac)
{
    char *file = xasprintf("%s/address", netdev);
    FILE *stream = fopen(file, "r");
    char line[64];
    bool ok = false;

    free(file);
    if (stream) {
        ok = fgets(line, sizeof line, stream)
             && (line[strcspn(line, "\n")] = '\0', true)
             && eth_addr_from_string(line, mac);
        fclose(stream);
    }
    return ok;
}

/* Reads the MAC of the network device in 'dir', "/sys/.../net", if there is
 * one, to '*mac'.  If there are several, as some cards have, takes the
 * first. */
static bool
read_mac_in(const char *dir, struct eth_addr *mac)
{
    struct dirent **entries;
    int n = scandir(dir, &entries, NULL, alphasort);
    bool ok = false;

    for (int i = 0; i < n; i++) {
        if (entries[i]->d_name[0] != '.' && !ok) {
            char *netdev = xasprintf("%s/%s", dir, entries[i]->d_name);

            ok = read_mac(netdev, mac);
            free(netdev);
        }
        free(entries[i]);
    }
    if (n >= 0) {
        free(entries);
    }
    return ok;
}

/* Reads the MAC of the PCI device 'pci' to '*mac'. */
static bool
read_pci_mac(const char *pci, struct eth_addr *mac)
{
    char *dir = xasprintf("/sys/bus/pci/devices/%s", pci);
    char *net = xasprintf("%s/net", dir);
    bool ok = read_mac_in(net, mac);
    struct dirent *entry;
    DIR *stream;

    free(net);
    stream = ok ? NULL : opendir(dir);
    while (stream && !ok && (entry = readdir(stream))) {
        if (!strncmp(entry->d_name, "virtio", 6)) {
            net = xasprintf("%s/%s/net", dir, entry->d_name);
            ok = read_mac_in(net, mac);
            free(net);
        }
    }
    if (stream) {
        closedir(stream);
    }
    free(dir);
    return ok;
}

/* Finds out about the port 'name', the value of 'option', and its MAC if that
 * is needed. */
static void
init_port(struct port *port, const char *option, const char *name,
          bool need_mac)
{
    if (!name) {
        ovs_fatal(0, "--%s is missing: trex needs two ports, --nic and "
                  "--peer-nic", option);
    }
    port->name = name;
    if (parse_pci(name, port->pci)) {
        char *dir = xasprintf("/sys/bus/pci/devices/%s", port->pci);

        if (access(dir, F_OK)) {
            ovs_fatal(0, "--%s=%s: no such PCI device; lspci lists them",
                      option, name);
        }
        free(dir);
        if (need_mac && !read_pci_mac(port->pci, &port->mac)) {
            ovs_fatal(0, "--%s=%s: its MAC cannot be read, as it has no "
                      "network driver; bind it to that, or use "
                      "--port-info=ip", option, name);
        }
    } else {
        char *netdev;

        find_pci(name, option, port->pci);
        netdev = xasprintf("/sys/class/net/%s", name);
        if (need_mac && !read_mac(netdev, &port->mac)) {
            ovs_fatal(0, "--%s=%s: its MAC cannot be read", option, name);
        }
        free(netdev);
    }
}

/* The address as TRex lists them. */
static const char *
short_pci(const struct port *port)
{
    return strncmp(port->pci, "0000:", 5) ? port->pci : port->pci + 5;
}

/* Appends what the emitter writes to a string. */
static int
write_yaml(void *s, unsigned char *buffer, size_t size)
{
    ds_put_buffer(s, (char *) buffer, size);
    return 1;
}

/* Emits 'event' if its initialization went well, which is 'ok'. */
static void
emit(yaml_emitter_t *emitter, int ok, yaml_event_t *event)
{
    if (!ok || !yaml_emitter_emit(emitter, event)) {
        ovs_fatal(0, "cannot write YAML: %s",
                  emitter->problem ? emitter->problem : "out of memory");
    }
}

static void
emit_scalar(yaml_emitter_t *emitter, const char *value,
            yaml_scalar_style_t style)
{
    yaml_event_t event;

    emit(emitter, yaml_scalar_event_initialize(
             &event, NULL, NULL, (yaml_char_t *) value, strlen(value), 1, 1,
             style), &event);
}

static void
emit_key(yaml_emitter_t *emitter, const char *key)
{
    emit_scalar(emitter, key, YAML_PLAIN_SCALAR_STYLE);
}

/* What contains colons or points is quoted: without that, "02:00.0" is a
 * number, in base 60. */
static void
emit_string(yaml_emitter_t *emitter, const char *value)
{
    emit_scalar(emitter, value, YAML_DOUBLE_QUOTED_SCALAR_STYLE);
}

static void
emit_start_mapping(yaml_emitter_t *emitter)
{
    yaml_event_t event;

    emit(emitter, yaml_mapping_start_event_initialize(
             &event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE), &event);
}

static void
emit_end_mapping(yaml_emitter_t *emitter)
{
    yaml_event_t event;

    emit(emitter, yaml_mapping_end_event_initialize(&event), &event);
}

static void
emit_start_sequence(yaml_emitter_t *emitter, yaml_sequence_style_t style)
{
    yaml_event_t event;

    emit(emitter, yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
                                                       style), &event);
}

static void
emit_end_sequence(yaml_emitter_t *emitter)
{
    yaml_event_t event;

    emit(emitter, yaml_sequence_end_event_initialize(&event), &event);
}

/* Emits what TRex is told of port 'i'.  What one port sends is to come back on
 * the other, so that this is its neighbour. */
static void
emit_port_info(yaml_emitter_t *emitter, const struct port ports[2], int i,
               bool by_ip)
{
    /* Of the range for benchmarks (RFC 2544). */
    static const char *const ips[2] = { "198.18.0.1", "198.18.0.2" };

    emit_start_mapping(emitter);
    if (by_ip) {
        emit_key(emitter, "ip");
        emit_string(emitter, ips[i]);
        emit_key(emitter, "default_gw");
        emit_string(emitter, ips[!i]);
    } else {
        char mac[18];

        snprintf(mac, sizeof mac, ETH_ADDR_FMT, ETH_ADDR_ARGS(ports[!i].mac));
        emit_key(emitter, "dest_mac");
        emit_string(emitter, mac);
        snprintf(mac, sizeof mac, ETH_ADDR_FMT, ETH_ADDR_ARGS(ports[i].mac));
        emit_key(emitter, "src_mac");
        emit_string(emitter, mac);
    }
    emit_end_mapping(emitter);
}

/* Returns TRex's configuration, for the caller to free. */
static char *
make_config(const struct fig7a_topology *t, const struct port ports[2],
            bool by_ip)
{
    struct ds s = DS_EMPTY_INITIALIZER;
    yaml_emitter_t emitter;
    yaml_event_t event;

    ds_put_format(&s, "# Made by ovs-fig7a, to measure %s.\n"
                  "# Port 0 is %s, port 1 is %s.\n", t->id, ports[0].name,
                  ports[1].name);

    if (!yaml_emitter_initialize(&emitter)) {
        ovs_fatal(0, "cannot write YAML: out of memory");
    }
    yaml_emitter_set_output(&emitter, write_yaml, &s);
    emit(&emitter, yaml_stream_start_event_initialize(&event,
                                                      YAML_UTF8_ENCODING),
         &event);
    emit(&emitter, yaml_document_start_event_initialize(&event, NULL, NULL,
                                                        NULL, 1), &event);
    emit_start_sequence(&emitter, YAML_BLOCK_SEQUENCE_STYLE);
    emit_start_mapping(&emitter);
    emit_key(&emitter, "port_limit");
    emit_key(&emitter, "2");
    emit_key(&emitter, "version");
    emit_key(&emitter, "2");
    emit_key(&emitter, "interfaces");
    emit_start_sequence(&emitter, YAML_FLOW_SEQUENCE_STYLE);
    for (int i = 0; i < 2; i++) {
        emit_string(&emitter, short_pci(&ports[i]));
    }
    emit_end_sequence(&emitter);
    emit_key(&emitter, "port_info");
    emit_start_sequence(&emitter, YAML_BLOCK_SEQUENCE_STYLE);
    for (int i = 0; i < 2; i++) {
        emit_port_info(&emitter, ports, i, by_ip);
    }
    emit_end_sequence(&emitter);
    emit_end_mapping(&emitter);
    emit_end_sequence(&emitter);
    emit(&emitter, yaml_document_end_event_initialize(&event, 1), &event);
    emit(&emitter, yaml_stream_end_event_initialize(&event), &event);
    yaml_emitter_delete(&emitter);
    return ds_steal_cstr(&s);
}

/* Returns true if 'file' exists and contains just 'content'. */
static bool
file_contains(const char *file, const char *content)
{
    size_t size = strlen(content);
    char *buffer = xmalloc(size + 2);
    FILE *stream = fopen(file, "r");
    bool same = false;

    if (stream) {
        same = (fread(buffer, 1, size + 1, stream) == size
                && !memcmp(buffer, content, size));
        fclose(stream);
    }
    free(buffer);
    return same;
}

/* Writes 'content' to 'file', all at once.  Leaves alone what is there unless
 * 'force'. */
static void
write_config(const char *file, const char *content, bool force)
{
    char *tmp;
    int error = 0;
    int fd;

    if (file_contains(file, content)) {
        return;
    }
    tmp = xasprintf("%s.XXXXXX", file);
    fd = mkstemp(tmp);
    if (fd < 0) {
        ovs_fatal(errno, "%s: cannot write it", file);
    }
    if (write(fd, content, strlen(content)) != strlen(content)
        || fchmod(fd, 0644) || (force ? rename(tmp, file) : link(tmp, file))) {
        error = errno;
    }
    close(fd);
    if (error || !force) {
        unlink(tmp);
    }
    if (error == EEXIST) {
        ovs_fatal(0, "%s: exists, and says something else; use --force to "
                  "overwrite it, or -o to name another file", file);
    } else if (error) {
        ovs_fatal(error, "%s: cannot write it", file);
    }
    free(tmp);
}

/* Running. */

/* What TRex shows of its two ports, at one moment. */
struct snapshot {
    uint64_t tx_packets[2], tx_bytes[2], tx_errors[2];
    uint64_t rx_packets[2], rx_bytes[2], rx_errors[2];
    double when;                /* In seconds. */
};

/* What its latency probes said, those sent by a port. */
struct latency {
    uint64_t tx, rx, errors;
    double average, max;        /* In microseconds, as is the next. */
    uint64_t jitter;
};

/* What was parsed of TRex's output. */
struct results {
    struct snapshot current;    /* Not complete. */
    struct snapshot first, last;
    size_t n;                   /* Snapshots. */
    struct latency latency[2];
    bool have_latency[2];

    /* The summary, which comes only if TRex was not stopped. */
    bool complete;
    uint64_t tx, rx, drops, sw_errors;
    double max_latency, average_latency;
    bool latency_error;
    bool have_max_latency;
};

/* Parses a line of the table of ports. */
static void
parse_table_line(const char *line, struct snapshot *s)
{
    unsigned long long int a, b;
    char name[16];

    if (sscanf(line, " %15[a-z] | %llu | %llu", name, &a, &b) != 3) {
        return;
    }

    struct {
        const char *name;
        uint64_t *values;
    } rows[] = {
        { "opackets", s->tx_packets },
        { "obytes", s->tx_bytes },
        { "oerrors", s->tx_errors },
        { "ipackets", s->rx_packets },
        { "ibytes", s->rx_bytes },
        { "ierrors", s->rx_errors },
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (!strcmp(name, rows[i].name)) {
            rows[i].values[0] = a;
            rows[i].values[1] = b;
        }
    }
}

/* Parses 'line', without the newline, of what TRex prints.  The screen that it
 * shows twice a second ends with a line with the time; the summary comes at
 * the end, once. */
static void
parse_line(const char *line, struct results *r)
{
    unsigned long long int tx, rx, checked, errors, n;
    double average, max, when;
    int port, jitter;
    char word[8];

    if (sscanf(line, " %d | %llu , %llu , %llu , %llu , %lf , %lf , %d",
               &port, &tx, &rx, &checked, &errors, &average, &max,
               &jitter) == 8) {
        if (port == 0 || port == 1) {
            r->latency[port] = (struct latency) {
                .tx = tx, .rx = rx, .errors = errors,
                .average = average, .max = max, .jitter = jitter
            };
            r->have_latency[port] = true;
        }
    } else if (sscanf(line, " current time : %lf", &when) == 1) {
        r->current.when = when;
        r->last = r->current;
        /* Rates count from when packets have come. */
        if (!r->n || !r->first.tx_packets[0]) {
            r->first = r->current;
        }
        r->n++;
    } else if (sscanf(line, " Total-pkt-drop : %llu", &n) == 1) {
        r->drops = n;
        r->complete = true;
    } else if (sscanf(line, " Total-tx-pkt : %llu", &n) == 1) {
        r->tx = n;
    } else if (sscanf(line, " Total-rx-pkt : %llu", &n) == 1) {
        r->rx = n;
    } else if (sscanf(line, " Total-sw-err : %llu", &n) == 1) {
        r->sw_errors = n;
    } else if (sscanf(line, " maximum-latency : %lf", &max) == 1) {
        r->max_latency = max;
        r->have_max_latency = true;
    } else if (sscanf(line, " average-latency : %lf", &average) == 1) {
        r->average_latency = average;
    } else if (sscanf(line, " latency-any-error : %7s", word) == 1) {
        r->latency_error = strcmp(word, "OK");
    } else {
        parse_table_line(line, &r->current);
    }
}

/* Removes from 'line' what moves a terminal's cursor, and spaces at its
 * end. */
static void
clean_line(char *line)
{
    char *out = line;

    for (const char *in = line; *in; ) {
        if (in[0] == '\033' && in[1] == '[') {
            in += 2;
            in += strspn(in, "0123456789;?");
            in += *in != '\0';
        } else if (*in == '\r') {
            in++;
        } else {
            *out++ = *in++;
        }
    }
    while (out > line && isspace((unsigned char) out[-1])) {
        out--;
    }
    *out = '\0';
}

/* Per second, of the sum over both ports, between two snapshots. */
static double
rate(const uint64_t first[2], const uint64_t last[2], double seconds)
{
    return seconds > 0 ? (last[0] + last[1] - first[0] - first[1]) / seconds
           : 0;
}

static void
show_progress(const struct results *r)
{
    if (isatty(STDERR_FILENO)) {
        const struct snapshot *s = &r->last;

        fprintf(stderr, "\rTRex: %.0f s, %"PRIu64" packets sent, %"PRIu64
                " received \033[K", s->when,
                s->tx_packets[0] + s->tx_packets[1],
                s->rx_packets[0] + s->rx_packets[1]);
    }
}

static void
end_progress(void)
{
    if (isatty(STDERR_FILENO)) {
        fputs("\r\033[K", stderr);
    }
}

/* Starts 'argv' in the folder 'dir'.  Stores where its output can be read in
 * '*fdp'.  It leads a process group, which is to be told when it shall end. */
static pid_t
start_trex(const char *dir, struct svec *argv, int *fdp)
{
    pid_t parent = getpid();
    int fds[2];
    pid_t pid;

    svec_terminate(argv);
    if (pipe2(fds, O_CLOEXEC)) {
        ovs_fatal(errno, "pipe");
    }
    fflush(NULL);
    pid = fork();
    if (pid < 0) {
        ovs_fatal(errno, "fork");
    } else if (!pid) {
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() == parent && !chdir(dir) && dup2(null, 0) == 0
            && dup2(fds[1], 1) == 1 && dup2(fds[1], 2) == 2) {
            execv(argv->names[0], argv->names);
        }
        dprintf(fds[1], "%s/%s: %s\n", dir, argv->names[0],
                ovs_strerror(errno));
        _exit(127);
    }
    setpgid(pid, pid);
    close(fds[1]);
    *fdp = fds[0];
    return pid;
}

/* Reads TRex's output from 'fd' to 'r' until it ends, and stores the last
 * lines in 'tail', oldest first.  When we are to end, so is the process group
 * 'pgid'. */
static void
follow_trex(int fd, pid_t pgid, struct results *r, struct svec *tail)
{
    long long int deadline = LLONG_MAX;
    struct ds line = DS_EMPTY_INITIALIZER;
    bool stopping = false;

    for (;;) {
        struct pollfd pfd = { .fd = fd, .events = POLLIN };
        char buf[4096];
        ssize_t n = -1;

        /* A signal could come just before poll(), so look again soon. */
        if (poll(&pfd, 1, 500) > 0) {
            n = read(fd, buf, sizeof buf);
            if (!n || (n < 0 && errno != EINTR)) {
                break;
            }
        }
        for (ssize_t i = 0; i < n; i++) {
            if (buf[i] != '\n') {
                ds_put_char(&line, buf[i]);
                continue;
            }

            char *s = ds_cstr(&line);
            size_t n_before = r->n;

            clean_line(s);
            parse_line(s, r);
            if (s[0]) {
                svec_add(tail, s);
                if (tail->n > TAIL_LINES) {
                    free(tail->names[0]);
                    memmove(tail->names, tail->names + 1,
                            --tail->n * sizeof *tail->names);
                }
            }
            if (r->n != n_before) {
                show_progress(r);
            }
            ds_clear(&line);
        }

        if (fig7a_interrupted() && !stopping) {
            kill(-pgid, SIGINT);
            stopping = true;
            deadline = time_msec() + STOP_TIMEOUT;
        } else if (time_msec() >= deadline) {
            kill(-pgid, SIGKILL);
            deadline = LLONG_MAX;
        }
    }
    ds_destroy(&line);
}

/* What TRex has sent and received in all.  Without its summary, what it last
 * showed. */
static void
get_totals(const struct results *r, uint64_t *tx, uint64_t *rx,
           uint64_t *drops)
{
    const struct snapshot *s = &r->last;

    *tx = r->complete ? r->tx : s->tx_packets[0] + s->tx_packets[1];
    *rx = r->complete ? r->rx : s->rx_packets[0] + s->rx_packets[1];
    *drops = r->complete ? r->drops : *tx > *rx ? *tx - *rx : 0;
}

static void
print_results(const struct fig7a_topology *t, const struct fig7a *f,
              const struct results *r)
{
    const struct snapshot *first = &r->first;
    const struct snapshot *last = &r->last;
    double seconds = last->when - first->when;
    uint64_t tx, rx, drops;

    get_totals(r, &tx, &rx, &drops);
    printf("TRex, %s: -m %g, -l %u%s\n", t->id, f->multiplier, f->probes,
           r->complete ? "" : ", stopped early");
    printf("%-9s %14s %9s %9s %10s\n", "", "packets", "Mpps", "Gbps",
           "errors");
    printf("%-9s %14"PRIu64" %9.3f %9.3f %10"PRIu64"\n", "sent", tx,
           rate(first->tx_packets, last->tx_packets, seconds) / 1e6,
           rate(first->tx_bytes, last->tx_bytes, seconds) * 8 / 1e9,
           last->tx_errors[0] + last->tx_errors[1] + r->sw_errors);
    printf("%-9s %14"PRIu64" %9.3f %9.3f %10"PRIu64"\n", "received", rx,
           rate(first->rx_packets, last->rx_packets, seconds) / 1e6,
           rate(first->rx_bytes, last->rx_bytes, seconds) * 8 / 1e9,
           last->rx_errors[0] + last->rx_errors[1]);
    printf("%-9s %14"PRIu64" %8.3f %%\n", "lost", drops,
           tx ? 100.0 * drops / tx : 0);
    if (!f->probes) {
        return;
    }

    printf("\nlatency, in us, by the port that sent the probes\n"
           "%-9s %10s %10s %8s %9s %9s %9s\n", "port", "probes", "returned",
           "errors", "average", "maximum", "jitter");
    for (int i = 0; i < 2; i++) {
        const struct latency *l = &r->latency[i];

        if (r->have_latency[i]) {
            printf("%-9d %10"PRIu64" %10"PRIu64" %8"PRIu64
                   " %9.0f %9.0f %9"PRIu64"\n", i, l->tx, l->rx, l->errors,
                   l->average, l->max, l->jitter);
        }
    }
    if (r->have_max_latency) {
        printf("%-9s %10s %10s %8s %9.0f %9.0f\n", "both", "", "",
               r->latency_error ? "yes" : "none", r->average_latency,
               r->max_latency);
    }
}

static struct json *
direction_to_json(uint64_t packets, double pps, double Bps, uint64_t errors)
{
    struct json *json = json_object_create();

    json_object_put(json, "packets", json_integer_create(packets));
    json_object_put(json, "packets_per_second", json_real_create(pps));
    json_object_put(json, "bits_per_second", json_real_create(Bps * 8));
    json_object_put(json, "errors", json_integer_create(errors));
    return json;
}

static void
print_json(const struct fig7a_topology *t, const struct fig7a *f,
           const struct results *r)
{
    const struct snapshot *first = &r->first;
    const struct snapshot *last = &r->last;
    double seconds = last->when - first->when;
    struct json *json = json_object_create();
    struct json *ports = json_array_create_empty();
    uint64_t tx, rx, drops;

    get_totals(r, &tx, &rx, &drops);
    json_object_put_string(json, "generator", "trex");
    json_object_put_string(json, "topology", t->id);
    json_object_put(json, "multiplier", json_real_create(f->multiplier));
    json_object_put(json, "probes_per_second",
                    json_integer_create(f->probes));
    json_object_put(json, "complete", json_boolean_create(r->complete));
    json_object_put(json, "seconds", json_real_create(last->when));
    json_object_put(json, "sent", direction_to_json(
        tx, rate(first->tx_packets, last->tx_packets, seconds),
        rate(first->tx_bytes, last->tx_bytes, seconds),
        last->tx_errors[0] + last->tx_errors[1] + r->sw_errors));
    json_object_put(json, "received", direction_to_json(
        rx, rate(first->rx_packets, last->rx_packets, seconds),
        rate(first->rx_bytes, last->rx_bytes, seconds),
        last->rx_errors[0] + last->rx_errors[1]));
    json_object_put(json, "lost", json_integer_create(drops));

    for (int i = 0; i < 2; i++) {
        const struct latency *l = &r->latency[i];
        struct json *port;

        if (!r->have_latency[i]) {
            continue;
        }
        port = json_object_create();
        json_object_put(port, "port", json_integer_create(i));
        json_object_put(port, "sent", json_integer_create(l->tx));
        json_object_put(port, "received", json_integer_create(l->rx));
        json_object_put(port, "errors", json_integer_create(l->errors));
        json_object_put(port, "average_us", json_real_create(l->average));
        json_object_put(port, "max_us", json_real_create(l->max));
        json_object_put(port, "jitter_us", json_integer_create(l->jitter));
        json_array_add(ports, port);
    }
    json_object_put(json, "latency", ports);
    fig7a_put_json(json, stdout);
}

/* Returns 0 if 'dir' has a 'file' with the access 'mode', otherwise an errno
 * value. */
static int
check_access(const char *dir, const char *file, int mode)
{
    char *path = xasprintf("%s/%s", dir, file);
    int error = access(path, mode) ? errno : 0;

    free(path);
    return error;
}

/* Ends the process if 'dir' does not have TRex in it. */
static void
check_trex(const char *dir)
{
    int error = check_access(dir, "t-rex-64", X_OK);

    if (error) {
        ovs_fatal(error, "%s/t-rex-64: TRex is not there; give --run the "
                  "folder where it was unpacked", dir);
    }
    error = check_access(dir, PROFILE, R_OK);
    if (error) {
        ovs_fatal(error, "%s/%s: TRex's profile is not there", dir, PROFILE);
    }
}

/* The command line of TRex with the configuration 'file'.  It finds the
 * default by itself. */
static void
make_command(const struct fig7a *f, const char *file, struct svec *argv)
{
    svec_add(argv, "./t-rex-64");
    svec_add(argv, "-f");
    svec_add(argv, PROFILE);
    svec_add(argv, "-c");
    svec_add(argv, "1");
    svec_add(argv, "-m");
    svec_add_nocopy(argv, xasprintf("%.10g", f->multiplier));
    svec_add(argv, "-d");
    svec_add_nocopy(argv, xasprintf("%u", f->trex_duration));
    if (f->probes) {
        svec_add(argv, "-l");
        svec_add_nocopy(argv, xasprintf("%u", f->probes));
    }
    if (strcmp(file, DEFAULT_FILE)) {
        svec_add(argv, "--cfg");
        svec_add(argv, file);
    }
}

/* Runs TRex, and reports. */
static void
run_trex(const struct fig7a_topology *t, const struct fig7a *f,
         struct svec *argv)
{
    struct svec tail = SVEC_EMPTY_INITIALIZER;
    struct results r = { .n = 0 };
    int status, fd;
    pid_t pid;

    fig7a_interrupted();
    pid = start_trex(f->run_dir, argv, &fd);
    follow_trex(fd, pid, &r, &tail);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        continue;
    }
    close(fd);
    end_progress();

    /* When it is stopped, it ends with an error and without a summary. */
    if (!r.complete && !(fig7a_interrupted() && r.n)) {
        char *how = process_status_msg(status);
        char *said = svec_join(&tail, "\n  ", "");

        ovs_fatal(0, "TRex gave no results (%s); it said:\n  %s", how,
                  said[0] ? said : "nothing");
    }
    svec_destroy(&tail);
    if (f->json) {
        print_json(t, f, &r);
    } else {
        print_results(t, f, &r);
    }
    if (!r.complete) {
        exit(EXIT_FAILURE);
    }
}

void
fig7a_cmd_trex(struct ovs_cmdl_context *ctx)
{
    const struct fig7a *f = ctx->pvt;
    const struct fig7a_topology *t = fig7a_find_topology(ctx->argv[1]);
    const char *file = f->output ? f->output : DEFAULT_FILE;
    bool by_ip = !strcmp(f->port_info, "ip");
    struct svec argv = SVEC_EMPTY_INITIALIZER;
    struct port ports[2];
    char *config, *path;

    init_port(&ports[0], "nic", f->nic, !by_ip);
    init_port(&ports[1], "peer-nic", f->peer_nic, !by_ip);
    if (!strcmp(ports[0].pci, ports[1].pci)) {
        ovs_fatal(0, "--nic=%s and --peer-nic=%s are the same device, %s; "
                  "TRex needs two", f->nic, f->peer_nic, ports[0].pci);
    }
    if (f->run_dir && !strcmp(file, "-")) {
        ovs_fatal(0, "--run needs a configuration in a file, not -o -");
    }

    config = make_config(t, ports, by_ip);
    path = strcmp(file, "-") ? abs_file_name(NULL, file) : NULL;
    if (f->run_dir) {
        make_command(f, path, &argv);
    }
    if (f->dry_run && path) {
        printf("+ cat > %s << 'END'\n%sEND\n", path, config);
        if (f->run_dir) {
            char *command = fig7a_shell_quote(&argv);

            printf("+ cd %s\n+ %s\n", f->run_dir, command);
            free(command);
        }
    } else if (!path) {
        fputs(config, stdout);
    } else {
        if (f->run_dir) {
            check_trex(f->run_dir);
        }
        write_config(path, config, f->force);
        if (f->run_dir) {
            run_trex(t, f, &argv);
        } else {
            printf("wrote %s; to run TRex, use --run DIR\n", path);
        }
    }
    svec_destroy(&argv);
    free(config);
    free(path);
}
