# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0
#
# ovs-fig7a, and what starts virtual machines of User Mode Linux.

pkglibexec_SCRIPTS = utilities/uml-guest
EXTRA_DIST += \
	utilities/private \
	utilities/uml-guest

include utilities/fig7a/automake.mk
