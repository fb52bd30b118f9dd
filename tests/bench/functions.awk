# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0
#
# For the programs that print results.

# Also sets "lowest" and "highest".
function median(name, n,    i, j, x, a) {
    for (i = 1; i <= n; i++) {
        x = value[name, i]
        for (j = i; j > 1 && a[j - 1] > x; j--) {
            a[j] = a[j - 1]
        }
        a[j] = x
    }
    lowest = a[1]
    highest = a[n]
    return n % 2 ? a[(n + 1) / 2] : (a[n / 2] + a[n / 2 + 1]) / 2
}

# What a table has in place of nothing is "-".
function number(format, x) {
    return x == "" ? "-" : sprintf(format, x)
}

# What JSON has is null.
function member(name, format, x) {
    return sprintf(", \"%s\": %s", name, x == "" ? "null" : sprintf(format, x))
}

# Of two measurements.  Nothing if one of them is missing.
function quotient(a, b) {
    return a != "" && b > 0 ? a / b : ""
}
