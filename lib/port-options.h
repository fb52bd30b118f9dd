/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef PORT_OPTIONS_H
#define PORT_OPTIONS_H 1

/* Options of an interface, described by a table.
 *
 * A provider keeps its options in a structure without padding or pointers, so
 * that memcmp() compares two sets of them, and has one struct port_option for
 * each member. */

#include <stdbool.h>
#include <stddef.h>

#include "openvswitch/dynamic-string.h"

struct smap;

struct port_option {
    const char *name;
    size_t ofs;                 /* Of the member. */
    int default_value;          /* Of an int member; others start as zeros. */

    /* What the member is: with 'names', an int that is an index into them, up
     * to a null pointer; with 'parse', whatever that makes of it; otherwise an
     * int from 'min' to 'max'. */
    const char *const *names;
    int min, max;
    bool pow2;                  /* Only powers of two. */

    /* Sets '*member' from 's'.  Returns null, or else a description of the
     * values that are allowed, for the caller to free.  A null 's' asks for
     * the default value. */
    char *(*parse)(const char *s, void *member);

    /* Appends '*member' as it would be configured, or nothing.  Goes with
     * 'parse'. */
    void (*format)(const void *member, struct ds *);
};

/* Names of the values of common kinds of options. */
extern const char *const port_option_bool[];    /* false, true */

enum port_option_auto { PORT_OPTION_AUTO, PORT_OPTION_TRUE,
                        PORT_OPTION_FALSE };
extern const char *const port_option_auto[];

int port_options_parse(const char *port, const struct port_option *, size_t n,
                       const struct smap *args, void *options, char **errp);
void port_options_warn_unknown(const char *port, const struct port_option *,
                               size_t n, const struct smap *args);
void port_options_format(const struct port_option *, size_t n,
                         const void *options, struct smap *);

#endif /* port-options.h */
