# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0

if HAVE_MANUAL
dist_man_MANS += Documentation/ovs-datapath-plugins.7
endif
