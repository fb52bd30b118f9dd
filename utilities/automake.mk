# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0

EXTRA_DIST += utilities/afxdp-demo
