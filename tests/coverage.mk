# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0
#
# What "./quickstart coverage" counts with, tests/coverage-report, and what the
# tests in coverage-*.at make calls fail with.

noinst_DATA += tests/fail-inject.so
tests/fail-inject.so: $(top_srcdir)/tests/fail-inject.c
	$(AM_V_CC)$(MKDIR_P) tests && $(CC) -std=gnu11 -O2 -g -fPIC -shared \
	  $(OVS_WARNINGS) $(DP_WERROR) -o $@ $(top_srcdir)/tests/fail-inject.c \
	  -ldl

CLEANFILES += tests/fail-inject.so
EXTRA_DIST += \
	tests/coverage-report \
	tests/fail-inject.c

clean-local: clean-coverage
clean-coverage:
	-find . -name '*.gcno' -o -name '*.gcda' | xargs rm -f

.PHONY: clean-coverage
