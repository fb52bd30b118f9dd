/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef VERSION_CHECK_H
#define VERSION_CHECK_H 1

/* Whether this daemon fits the Open vSwitch that it was installed next to. */

void version_check(void);

#endif /* version-check.h */
