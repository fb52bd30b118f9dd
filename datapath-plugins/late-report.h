/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef LATE_REPORT_H
#define LATE_REPORT_H 1

/* Reports the state of a port to Open vSwitch once more, a bit later.
 *
 * Open vSwitch writes the status and the error of a port in transactions.
 * These leave out a value that the database has already.  While an earlier one
 * is under way, they compare with what was there before it: for a new port,
 * after a restart, what the last daemon wrote; for an error, the error itself,
 * which each configuration of the bridge clears first.  If the new value is
 * just that, it is not written, and the outdated one stays.  So the port
 * reports one more change when that transaction should be done.
 *
 * An error that is over is cleared by a configuration only, which likewise
 * leaves that out while the error is still on its way.  Then the report is a
 * change that has Open vSwitch configure its ports again. */

#include <stdbool.h>

#include "openvswitch/list.h"

struct netdev;

struct late_report {
    struct ovs_list node;       /* Empty if nothing is to be reported. */
    struct netdev *netdev;
    long long int at;           /* In ms; 0 if not known yet. */
    bool clears;                /* An error is over. */
};

void late_report_init(struct late_report *, struct netdev *);
void late_report_destroy(struct late_report *);
void late_report_request(struct late_report *, bool clears);

/* Main thread, in each turn of its loop. */
void late_report_run(void);
void late_report_wait(void);

#endif /* late-report.h */
