/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef PORT_ERROR_H
#define PORT_ERROR_H 1

/* What is wrong with a port that is in the datapath, which the "error" column
 * of its interface shows.
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
 * change that has Open vSwitch configure its ports again.
 *
 * All functions but port_error_run() and port_error_wait() may be called from
 * any thread, and with the port's mutex held. */

#include <stdbool.h>

#include "openvswitch/list.h"

struct netdev;

/* A port has at most one error of each kind.  The column shows the first. */
enum port_error_kind {
    PORT_ERROR_CONFIG,          /* Options, or what they ask for. */
    PORT_ERROR_MTU,
    PORT_N_ERRORS
};

/* Protected by the mutex in port-error.c. */
struct port_error {
    struct netdev *netdev;
    char *texts[PORT_N_ERRORS]; /* Null: none. */

    /* The report that is to come. */
    struct ovs_list node;       /* Empty if nothing is to be reported. */
    long long int at;           /* In ms; 0 if not known yet. */
    bool clears;                /* An error is over. */
};

void port_error_init(struct port_error *, struct netdev *);
void port_error_destroy(struct port_error *);

void port_error_set(struct port_error *, enum port_error_kind, char *text);
void port_error_reset(struct port_error *, enum port_error_kind, char *text);
void port_error_repeat(struct port_error *);
bool port_error_is_set(const struct port_error *, enum port_error_kind);
char *port_error_get(const struct port_error *);

/* Main thread, in each turn of its loop. */
void port_error_run(void);
void port_error_wait(void);

#endif /* port-error.h */
