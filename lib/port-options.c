/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* Reading an interface's options by a table, and saying what is wrong. */

#include "port-options.h"

#include <errno.h>

#include "openvswitch/vlog.h"
#include "smap.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(port_options);

const char *const port_option_bool[] = { "false", "true", NULL };

const char *const port_option_auto[] = {
    [PORT_OPTION_AUTO] = "auto",
    [PORT_OPTION_TRUE] = "true",
    [PORT_OPTION_FALSE] = "false",
    NULL
};

/* Sets '*value' from 's'.  Returns null, or else a description of the values
 * that 'option' allows, for the caller to free. */
static char *
port_option_parse_int(const struct port_option *option, const char *s,
                      int *value)
{
    if (option->names) {
        struct ds allowed = DS_EMPTY_INITIALIZER;

        for (int i = 0; option->names[i]; i++) {
            if (!strcmp(s, option->names[i])) {
                *value = i;
                ds_destroy(&allowed);
                return NULL;
            }
            ds_put_format(&allowed, "%s%s", i ? ", " : "one of ",
                          option->names[i]);
        }
        return ds_steal_cstr(&allowed);
    }

    if (str_to_int(s, 10, value) && *value >= option->min
        && *value <= option->max && (!option->pow2 || IS_POW2(*value))) {
        return NULL;
    }
    return xasprintf("%s from %d to %d",
                     option->pow2 ? "a power of two" : "a number",
                     option->min, option->max);
}

/* Fills 'options' from 'args' as the 'n' members of 'table' say.  The caller
 * has set it to zeros.  'port' is the name for messages.
 *
 * Returns 0, or EINVAL with '*errp' set to a message for the caller to
 * free. */
int
port_options_parse(const char *port, const struct port_option *table, size_t n,
                   const struct smap *args, void *options, char **errp)
{
    for (size_t i = 0; i < n; i++) {
        const struct port_option *option = &table[i];
        const char *s = smap_get(args, option->name);
        void *member = (char *) options + option->ofs;
        char *allowed = NULL;

        if (option->parse) {
            allowed = option->parse(s, member);
        } else {
            int *value = ALIGNED_CAST(int *, member);

            *value = option->default_value;
            if (s) {
                allowed = port_option_parse_int(option, s, value);
            }
        }
        if (allowed) {
            *errp = xasprintf("%s: options:%s=%s is not valid; it must be %s",
                              port, option->name, s ? s : "", allowed);
            free(allowed);
            return EINVAL;
        }
    }
    return 0;
}

/* Warns of members of 'args' that are no options: a mistyped name should not
 * go unnoticed. */
void
port_options_warn_unknown(const char *port, const struct port_option *table,
                          size_t n, const struct smap *args)
{
    struct smap_node *node;

    SMAP_FOR_EACH (node, args) {
        bool known = false;

        for (size_t i = 0; i < n; i++) {
            known |= !strcmp(node->key, table[i].name);
        }
        if (!known) {
            VLOG_WARN("%s: options:%s is unknown and has no effect", port,
                      node->key);
        }
    }
}

/* Adds the members of 'options' to 'args'. */
void
port_options_format(const struct port_option *table, size_t n,
                    const void *options, struct smap *args)
{
    for (size_t i = 0; i < n; i++) {
        const struct port_option *option = &table[i];
        const void *member = (const char *) options + option->ofs;

        if (option->parse) {
            struct ds s = DS_EMPTY_INITIALIZER;

            option->format(member, &s);
            if (s.length) {
                smap_add(args, option->name, ds_cstr(&s));
            }
            ds_destroy(&s);
        } else {
            int value = *ALIGNED_CAST(const int *, member);

            if (option->names) {
                smap_add(args, option->name, option->names[value]);
            } else {
                smap_add_format(args, option->name, "%d", value);
            }
        }
    }
}
