# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0
#
# Ports under fault and load, "tests/fault/fault", and calls that fail.  They
# run programs that the other tests and the benchmarks need, too.

EXTRA_DIST += \
	tests/fault/fault \
	tests/fault/fault-lib

# What the tests in failures-*.at make calls fail with.
noinst_DATA += tests/fault/fail-inject.so
tests/fault/fail-inject.so: $(top_srcdir)/tests/fault/fail-inject.c
	$(AM_V_CC)$(MKDIR_P) $(@D) && $(CC) -std=gnu11 -O2 -g -fPIC -shared \
	  $(OVS_WARNINGS) $(DP_WERROR) -o $@ \
	  $(top_srcdir)/tests/fault/fail-inject.c -ldl

CLEANFILES += tests/fault/fail-inject.so
EXTRA_DIST += tests/fault/fail-inject.c

# A switch that runs for long, "tests/fault/soak".  As root:
#
#   make check-soak SOAKFLAGS=--minutes=600
#
# It gets a sandbox from quickstart, with the daemon of this build tree.

check-soak: all $(check_PROGRAMS)
	BENCH_PROGRAMS=$(abs_top_builddir)/tests \
	OVS_VSWITCHD=$(abs_top_builddir)/datapath-plugins/ovs-vswitchd \
	  $(top_srcdir)/tests/fault/soak $(SOAKFLAGS)

EXTRA_DIST += tests/fault/soak

.PHONY: check-soak
