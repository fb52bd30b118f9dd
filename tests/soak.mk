# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0
#
# A switch that runs for long, "tests/soak".  As root:
#
#   make check-soak SOAKFLAGS=--minutes=600
#
# It gets a sandbox from quickstart, with the daemon of this build tree.

check-soak: all $(check_PROGRAMS)
	BENCH_PROGRAMS=$(abs_top_builddir)/tests \
	OVS_VSWITCHD=$(abs_top_builddir)/datapath-plugins/ovs-vswitchd \
	  $(top_srcdir)/tests/soak $(SOAKFLAGS)

EXTRA_DIST += tests/soak

.PHONY: check-soak
