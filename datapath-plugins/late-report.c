/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

#include "late-report.h"

#include "if-notifier.h"
#include "netdev-provider.h"
#include "openvswitch/poll-loop.h"
#include "ovs-thread.h"
#include "timeval.h"

/* How long after the main thread has been through its configuration. */
#define REPORT_MS 1000

/* Also protects the members of those in the list. */
static struct ovs_mutex mutex = OVS_MUTEX_INITIALIZER;
static struct ovs_list requested OVS_GUARDED_BY(mutex)
    = OVS_LIST_INITIALIZER(&requested);

void
late_report_init(struct late_report *report, struct netdev *netdev)
{
    ovs_list_init(&report->node);
    report->netdev = netdev;
    report->at = 0;
}

void
late_report_destroy(struct late_report *report)
{
    ovs_mutex_lock(&mutex);
    ovs_list_remove(&report->node);
    ovs_mutex_unlock(&mutex);
}

/* 'clears' says that an error is over.  Any thread. */
void
late_report_request(struct late_report *report, bool clears)
{
    ovs_mutex_lock(&mutex);
    if (ovs_list_is_empty(&report->node)) {
        ovs_list_push_back(&requested, &report->node);
    }
    report->at = 0;
    report->clears = clears;
    ovs_mutex_unlock(&mutex);
}

void
late_report_run(void)
{
    struct late_report *report;

    ovs_mutex_lock(&mutex);
    LIST_FOR_EACH_SAFE (report, node, &requested) {
        if (!report->at) {
            report->at = time_msec() + REPORT_MS;
        } else if (time_msec() >= report->at) {
            if (report->clears) {
                if_notifier_manual_report();
            } else {
                netdev_change_seq_changed(report->netdev);
            }
            ovs_list_remove(&report->node);
            ovs_list_init(&report->node);
        }
    }
    ovs_mutex_unlock(&mutex);
}

void
late_report_wait(void)
{
    struct late_report *report;

    ovs_mutex_lock(&mutex);
    LIST_FOR_EACH (report, node, &requested) {
        poll_timer_wait_until(report->at);
    }
    ovs_mutex_unlock(&mutex);
}
