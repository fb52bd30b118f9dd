/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* The configuration of TRex: finding out about its ports, and writing the
 * file. */

#include "trex.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "openvswitch/dynamic-string.h"
#include "packets.h"
#include "util.h"

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
void
trex_port_init(struct trex_port *port, const char *option, const char *name,
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
short_pci(const struct trex_port *port)
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
emit_port_info(yaml_emitter_t *emitter, const struct trex_port ports[2], int i,
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
char *
trex_make_config(const struct fig7a_topology *t,
                 const struct trex_port ports[2], bool by_ip)
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
void
trex_write_config(const char *file, const char *content, bool force)
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
