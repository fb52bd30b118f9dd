# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0
#
# The suites in a build with sanitizers, "./quickstart sanitize".

check_PROGRAMS += tests/sanitize/sanitize-self
tests_sanitize_sanitize_self_SOURCES = tests/sanitize/sanitize-self.c

EXTRA_DIST += \
	tests/sanitize/sanitize \
	tests/sanitize/sanitize-leak.supp \
	tests/sanitize/sanitize-skip \
	tests/sanitize/sanitize-thread.supp \
	tests/sanitize/sanitize-undefined.supp

# Preloaded by tests/sanitize/sanitize.
noinst_DATA += tests/sanitize/sanitize-thread.so
tests/sanitize/sanitize-thread.so: \
		$(top_srcdir)/tests/sanitize/sanitize-thread.c
	$(AM_V_CC)$(MKDIR_P) $(@D) && $(CC) -std=gnu11 -O2 -g -fPIC -shared \
	  -Wall -Wextra $(DP_WERROR) $(DPDK_CFLAGS) -o $@ \
	  $(top_srcdir)/tests/sanitize/sanitize-thread.c -ldl

CLEANFILES += tests/sanitize/sanitize-thread.so
EXTRA_DIST += tests/sanitize/sanitize-thread.c
