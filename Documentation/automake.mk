# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0

dist_man_MANS += \
	Documentation/ovs-fig7a.8 \
	Documentation/ovs-datapath-plugins.7 \
	Documentation/ovs-datapath-plugins-vhost.7
EXTRA_DIST += Documentation/internals.rst
