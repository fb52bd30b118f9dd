/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

#include "version-check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dirs.h"
#include "openvswitch/json.h"
#include "openvswitch/shash.h"
#include "openvswitch/vlog.h"
#include "util.h"
#include "vswitch-idl.h"

VLOG_DEFINE_THIS_MODULE(version_check);

/* The daemon has the whole of an Open vSwitch in it, but its database, its
 * scripts and its tools are those that are installed.  They are to be of the
 * same release.  A package sees to that, but not if it was forced, or if the
 * daemon was installed in another way.
 *
 * Then nothing fails at once.  The database is converted to the schema that is
 * installed, and what this daemon does not know of it, it ignores; what it
 * misses there, Open vSwitch itself warns of.  Both are hard to understand
 * without the reason, which is what is told here. */

/* Returns the version in the database schema 'file', to be freed, or NULL. */
static char *
read_schema_version(const char *file)
{
    struct json *json = json_from_file(file);
    char *version = NULL;

    if (json->type == JSON_OBJECT) {
        const struct json *member = shash_find_data(json_object(json),
                                                    "version");

        if (member && member->type == JSON_STRING) {
            version = xstrdup(json_string(member));
        }
    }
    json_destroy(json);
    return version;
}

/* Returns the version in the shell script 'file', to be freed, or NULL.  Each
 * release has its own there, in a line VERSION='...'. */
static char *
read_script_version(const char *file)
{
    FILE *stream = fopen(file, "r");
    char *version = NULL;
    char line[256];

    while (stream && !version && fgets(line, sizeof line, stream)) {
        if (!strncmp(line, "VERSION='", 9)) {
            version = xmemdup0(line + 9, strcspn(line + 9, "'\n"));
        }
    }
    if (stream) {
        fclose(stream);
    }
    return version;
}

/* Warns if 'found', which is freed, is what the installed 'file' has, and not
 * 'built_for'. */
static void
compare(const char *what, const char *file, char *found, const char *built_for)
{
    if (found && strcmp(found, built_for)) {
        VLOG_WARN("%s has %s %s, but this ovs-vswitchd, of Open vSwitch %s, "
                  "was built for %s: install ovs-datapath-plugins for the "
                  "installed release of Open vSwitch, or the other way round; "
                  "until then, settings may be ignored",
                  file, what, found, VERSION VERSION_SUFFIX, built_for);
    }
    free(found);
}

/* Compares this daemon with what is installed of Open vSwitch.  If nothing is,
 * as in a build tree, there is nothing to compare. */
void
version_check(void)
{
    char *schema = xasprintf("%s/vswitch.ovsschema", ovs_pkgdatadir());
    char *script = xasprintf("%s/scripts/ovs-lib", ovs_pkgdatadir());

    compare("database schema", schema, read_schema_version(schema),
            ovsrec_get_db_version());
    compare("the scripts of Open vSwitch", script, read_script_version(script),
            VERSION VERSION_SUFFIX);
    free(schema);
    free(script);
}
