# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0
#
# What "./quickstart coverage" counts with, tests/tools/coverage-report.

EXTRA_DIST += tests/tools/coverage-report

clean-local: clean-coverage
clean-coverage:
	-find . -name '*.gcno' -o -name '*.gcda' | xargs rm -f

.PHONY: clean-coverage
