/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

#include "port-error.h"

#include "if-notifier.h"
#include "netdev-provider.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "ovs-thread.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(port_error);

/* How long after the main thread has been through its configuration. */
#define REPORT_MS 1000

/* Protects the members of each struct port_error. */
static struct ovs_mutex mutex = OVS_MUTEX_INITIALIZER;

/* Those that have something to report. */
static struct ovs_list requested OVS_GUARDED_BY(mutex)
    = OVS_LIST_INITIALIZER(&requested);

void
port_error_init(struct port_error *error, struct netdev *netdev)
{
    *error = (struct port_error) { .netdev = netdev };
    ovs_list_init(&error->node);
}

void
port_error_destroy(struct port_error *error)
{
    ovs_mutex_lock(&mutex);
    ovs_list_remove(&error->node);
    ovs_mutex_unlock(&mutex);
    for (int i = 0; i < PORT_N_ERRORS; i++) {
        free(error->texts[i]);
    }
}

/* Asks for the later report.  'clears' says that an error is over. */
static void
port_error_request(struct port_error *error, bool clears)
    OVS_REQUIRES(mutex)
{
    if (ovs_list_is_empty(&error->node)) {
        ovs_list_push_back(&requested, &error->node);
    }
    error->at = 0;
    error->clears = clears;
}

/* Makes 'text', of which it takes ownership, the port's error of 'kind', and
 * logs it when it is new.  Null: there is none any more. */
void
port_error_set(struct port_error *error, enum port_error_kind kind, char *text)
{
    ovs_mutex_lock(&mutex);

    char **slot = &error->texts[kind];

    if (text && !nullable_string_is_equal(text, *slot)) {
        VLOG_ERR("%s", text);
    }
    if (*slot && !text) {
        /* Only a configuration of the bridge clears the column. */
        if_notifier_manual_report();
    }
    if (*slot || text) {
        port_error_request(error, !text);
    }
    free(*slot);
    *slot = text;

    /* Have the bridge ask for the error: it forgets the last one whenever it
     * configures the port. */
    netdev_change_seq_changed(error->netdev);
    ovs_mutex_unlock(&mutex);
}

/* As port_error_set(), while the bridge configures the port and so has already
 * cleared the column: it is not to do so again, and nothing is logged. */
void
port_error_reset(struct port_error *error, enum port_error_kind kind,
                 char *text)
{
    ovs_mutex_lock(&mutex);
    free(error->texts[kind]);
    error->texts[kind] = text;
    if (text) {
        port_error_request(error, false);
        netdev_change_seq_changed(error->netdev);
    }
    ovs_mutex_unlock(&mutex);
}

/* Reports the status and the errors that the port has, if any, once more. */
void
port_error_repeat(struct port_error *error)
{
    ovs_mutex_lock(&mutex);
    port_error_request(error, false);
    netdev_change_seq_changed(error->netdev);
    ovs_mutex_unlock(&mutex);
}

bool
port_error_is_set(const struct port_error *error, enum port_error_kind kind)
{
    ovs_mutex_lock(&mutex);
    bool is_set = error->texts[kind] != NULL;
    ovs_mutex_unlock(&mutex);
    return is_set;
}

/* Returns what is wrong with the port, in a string for the caller to free, or
 * null if nothing is. */
char *
port_error_get(const struct port_error *error)
{
    char *text = NULL;

    ovs_mutex_lock(&mutex);
    for (int i = 0; i < PORT_N_ERRORS && !text; i++) {
        text = nullable_xstrdup(error->texts[i]);
    }
    ovs_mutex_unlock(&mutex);
    return text;
}

void
port_error_run(void)
{
    struct port_error *error;

    ovs_mutex_lock(&mutex);
    LIST_FOR_EACH_SAFE (error, node, &requested) {
        if (!error->at) {
            error->at = time_msec() + REPORT_MS;
        } else if (time_msec() >= error->at) {
            if (error->clears) {
                if_notifier_manual_report();
            } else {
                netdev_change_seq_changed(error->netdev);
            }
            ovs_list_remove(&error->node);
            ovs_list_init(&error->node);
        }
    }
    ovs_mutex_unlock(&mutex);
}

void
port_error_wait(void)
{
    struct port_error *error;

    ovs_mutex_lock(&mutex);
    LIST_FOR_EACH (error, node, &requested) {
        poll_timer_wait_until(error->at);
    }
    ovs_mutex_unlock(&mutex);
}
