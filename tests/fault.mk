# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0
#
# Ports under fault and load, "tests/fault".  It runs programs that the other
# tests and the benchmarks need, too.

EXTRA_DIST += \
	tests/fault \
	tests/fault-lib
