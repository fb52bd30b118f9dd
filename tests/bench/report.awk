# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0
#
# Prints what "bench" has measured, as a table, or with -v format=json.
#
# Each line of the results is "rate SCENARIO SIZE TYPE PACKETS SECONDS USER
# SYSTEM LOST" or "count SCENARIO SIZE TYPE INSTRUCTIONS".  Rounds follow each
# other, so the nth lines of two types are neighbours in time.

{
    group = $2 " " $3
    key = group " " $4
    if (!(key in base)) {
        keys[++n_keys] = key
        if (!(group in in_tree)) {
            in_tree[group] = key    # Always measured first.
        }
        base[key] = group
    }
}
$4 == "afxdp" || $4 == "afxdp-nonpmd" { in_tree[group] = key }
$1 == "rate" {
    n = ++count[key]
    value[key " mpps", n] = $5 / $6 / 1e6
    # Of disturbed measurements only if there are no others.
    weight = $9 <= 0.1 * $6 ? 1 : 1e-6
    total_time[key] += weight * $6
    user_time[key] += weight * $7
    kernel_time[key] += weight * $8
}
$1 == "count" { instructions[key] = $5 }

END {
    for (k = 1; k <= n_keys; k++) {
        key = keys[k]
        reference = in_tree[base[key]]
        if ((n = count[key])) {
            mpps[key] = median(key " mpps", n)
            low[key] = lowest
            high[key] = highest
            both = user_time[key] + kernel_time[key]
            cpu[key] = both / total_time[key]
            if (kernel_time[key] > 0) {
                kernel[key] = kernel_time[key] / both
                room[key] = kernel[key] > 0.01 ? 1 / kernel[key] : ""
            }
            for (i = 1; i <= n; i++) {
                x = value[reference " mpps", i]
                value[key " paired", i] \
                    = x > 0 ? value[key " mpps", i] / x : 0
            }
            paired[key] = median(key " paired", n)
        }
    }

    if (format == "json") {
        print "["
    } else {
        printf "%-9s %5s %-15s %6s %13s %6s %6s %5s %6s %5s %12s\n",
            "scenario", "size", "type", "Mpps", "min-max", "ratio",
            "paired", "cpu", "kernel", "room", "instructions"
    }
    for (k = 1; k <= n_keys; k++) {
        key = keys[k]
        reference = in_tree[base[key]]
        split(key, f, " ")
        r = quotient(mpps[key], mpps[reference])
        ri = quotient(instructions[key], instructions[reference])
        if (format == "json") {
            starred = sub(/\*$/, "", f[3])
            printf "  {\"scenario\": \"%s\", \"size\": %d, " \
                "\"type\": \"%s\"%s%s%s%s%s%s%s%s%s%s%s}%s\n",
                f[1], f[2], f[3],
                starred ? ", \"options\": \"rx-csum-partial=false\"" : "",
                member("mpps", "%.3f", mpps[key]),
                member("ratio", "%.3f", r),
                member("ratio_paired", "%.3f", paired[key]),
                member("mpps_min", "%.3f", low[key]),
                member("mpps_max", "%.3f", high[key]),
                member("cpu_share", "%.2f", cpu[key]),
                member("kernel_share", "%.2f", kernel[key]),
                member("room", "%.2f", room[key]),
                member("instructions", "%.1f", instructions[key]),
                member("instructions_ratio", "%.3f", ri),
                k < n_keys ? "," : ""
        } else {
            printf "%-9s %5d %-15s %6s %13s %6s %6s %5s %6s %5s %6s %5s\n",
                f[1], f[2], f[3], number("%.3f", mpps[key]),
                low[key] == "" ? "-" \
                : sprintf("%.3f-%.3f", low[key], high[key]),
                number("%.2f", r), number("%.2f", paired[key]),
                number("%.2f", cpu[key]), number("%.2f", kernel[key]),
                number("%.2f", room[key]),
                number("%.1f", instructions[key]), number("%.2f", ri)
        }
    }
    if (format == "json") {
        print "]"
    }
}
