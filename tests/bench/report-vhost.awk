# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0
#
# Prints what "bench-vhost" has measured, as a table, or with -v format=json.
#
# Each line of the results is "rate SCENARIO SIZE SET" and what measure() says,
# "copies SCENARIO SIZE SET COPIES PACKETS", or "tcp OFFLOAD" and what
# measure_tcp() says.

$1 == "rate" {
    key = $2 " " $3 " " $4
    if (!count[key]) {
        keys[++n_keys] = key
        reference[key] = $2 " " $3 " in-tree"
    }
    n = ++count[key]
    value[key " rate", n] = $5 / $6 / 1e6
    busy = $11 / $12
    value[key " ns", n] = $5 > 0 ? busy / $10 * $6 / $5 * 1e9 : 0
    value[key " busy", n] = busy / $10
    value[key " dropped", n] = $14 > 0 ? 1 - $15 / $14 : 0
    # Of disturbed measurements only if there are no others.
    weight = $9 <= 0.1 * $10 ? 1 : 1e-6
    user_time[key] += weight * $7
    kernel_time[key] += weight * $8
}
$1 == "copies" {
    key = "copies " $2 " " $3 " " $4
    keys[++n_keys] = key
    copies[key] = $5 / $6
}
$1 == "tcp" {
    key = "tcp " $2
    if (!count[key]) {
        keys[++n_keys] = key
        reference[key] = "tcp none"
    }
    n = ++count[key]
    value[key " rate", n] = $3 / 1e3
    resent[key] += $4
}

# Sets "mpps", "low", "high", "ratio" and "paired" for a row.
function rate(key,    n, i, x) {
    n = count[key]
    for (i = 1; i <= n; i++) {
        x = value[reference[key] " rate", i]
        value[key " paired", i] = x > 0 ? value[key " rate", i] / x : 0
    }
    paired = median(key " paired", n)
    mpps = median(key " rate", n)
    low = lowest
    high = highest
    if (key == reference[key]) {
        base = mpps
    }
    ratio = quotient(mpps, base)
}

# Prints a row of packet rates.
function print_rate(key,    n, i, x, f, busy, bound, both, kernel, ns) {
    n = count[key]
    for (i = 1; i <= n; i++) {
        x = value[key " ns", i]
        value[key " saved", i] \
            = x > 0 ? value[reference[key] " ns", i] / x : 0
    }
    ns = median(key " ns", n)
    saved = median(key " saved", n)
    busy = median(key " busy", n)
    # The guest was too slow, too, if it did not get all.
    bound = busy < 0.85 || median(key " dropped", n) > 0.1 \
        ? "load" : "switch"
    both = user_time[key] + kernel_time[key]
    kernel = both > 0 ? kernel_time[key] / both : ""
    rate(key)
    split(key, f, " ")
    if (format == "json") {
        printf "%s  {\"scenario\": \"%s\", \"size\": %d, " \
            "\"type\": \"%s\"%s%s%s%s%s%s%s%s%s, \"bound\": \"%s\"}",
            separator, f[1], f[2], f[3],
            member("mpps", "%.3f", mpps), member("ratio", "%.3f", ratio),
            member("ratio_paired", "%.3f", paired),
            member("mpps_min", "%.3f", low),
            member("mpps_max", "%.3f", high),
            member("busy", "%.3f", busy),
            member("kernel_share", "%.2f", kernel),
            member("ns", "%.1f", ns),
            member("ns_ratio_paired", "%.3f", saved), bound
    } else {
        printf "%-11s %4d %-8s %6.3f %13s %5s %6.2f %5.2f %6s %6.0f " \
            "%5.2f %s\n",
            f[1], f[2], f[3], mpps, sprintf("%.3f-%.3f", low, high),
            number("%.2f", ratio), paired, busy, number("%.2f", kernel),
            ns, saved, bound
    }
}

function print_copies(key,    f) {
    split(key, f, " ")
    if (format == "json") {
        printf "%s  {\"scenario\": \"%s\", \"size\": %d, " \
            "\"type\": \"%s\", \"copies\": %.2f}",
            separator, f[2], f[3], f[4], copies[key]
    } else {
        printf "%-11s %4d %-8s %6.2f\n", f[2], f[3], f[4], copies[key]
    }
}

function print_tcp(key,    f) {
    rate(key)
    split(key, f, " ")
    if (format == "json") {
        printf "%s  {\"scenario\": \"uml\", \"type\": \"%s\"%s%s%s%s%s%s}",
            separator, f[2],
            member("gbps", "%.3f", mpps), member("ratio", "%.3f", ratio),
            member("ratio_paired", "%.3f", paired),
            member("gbps_min", "%.3f", low),
            member("gbps_max", "%.3f", high),
            member("retransmits", "%.1f", resent[key] / count[key])
    } else {
        printf "%-11s %4s %-8s %6.3f %13s %5s %6.2f %6.0f\n",
            "uml", "-", f[2], mpps, sprintf("%.3f-%.3f", low, high),
            number("%.2f", ratio), paired, resent[key] / count[key]
    }
}

END {
    if (format == "json") {
        print "["
    }
    last = ""
    for (k = 1; k <= n_keys; k++) {
        key = keys[k]
        kind = key ~ /^(tcp|copies) / ? substr(key, 1, 3) : "rate"
        separator = k > 1 ? ",\n" : ""
        if (format != "json" && kind != last) {
            print_heading(kind)
        }
        last = kind
        if (kind == "tcp") {
            print_tcp(key)
        } else if (kind == "cop") {
            print_copies(key)
        } else {
            print_rate(key)
        }
    }
    if (format == "json") {
        print "\n]"
    }
}

function print_heading(kind) {
    if (last != "") {
        print ""
    }
    printf "%-11s %4s %-8s ", "scenario", "size",
        kind == "tcp" ? "offload" : "type"
    if (kind == "cop") {
        print "copies"
    } else {
        printf "%6s %13s %5s %6s ", kind == "tcp" ? "Gbps" : "Mpps",
            "min-max", "ratio", "paired"
        if (kind == "tcp") {
            print "resent"
        } else {
            printf "%5s %6s %6s %5s %s\n", "busy", "kernel", "ns",
                "saved", "bound"
        }
    }
}
