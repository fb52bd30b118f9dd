# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0
#
# The suites in a build with sanitizers, "./quickstart sanitize".

check_PROGRAMS += tests/sanitize-self
tests_sanitize_self_SOURCES = tests/sanitize-self.c

EXTRA_DIST += \
	tests/sanitize \
	tests/sanitize-leak.supp \
	tests/sanitize-skip \
	tests/sanitize-thread.supp \
	tests/sanitize-undefined.supp

# Preloaded by tests/sanitize.
noinst_DATA += tests/sanitize-thread.so
tests/sanitize-thread.so: $(top_srcdir)/tests/sanitize-thread.c
	$(AM_V_CC)$(MKDIR_P) tests && $(CC) -std=gnu11 -O2 -g -fPIC -shared \
	  -Wall -Wextra $(DP_WERROR) $(DPDK_CFLAGS) -o $@ \
	  $(top_srcdir)/tests/sanitize-thread.c -ldl

CLEANFILES += tests/sanitize-thread.so
EXTRA_DIST += tests/sanitize-thread.c
