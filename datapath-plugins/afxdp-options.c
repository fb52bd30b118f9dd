/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* Reading the options of AF_XDP ports. */

#include "afxdp-options.h"

#include "port-options.h"
#include "util.h"
#include "xsk/socket.h"

/* Descriptors in a ring unless configured.  The window of a local TCP sender,
 * 3 MB, fits in 2048 packets: with 1024 the main thread lost some 0.8 % of
 * them.  What is sent is mostly gone when the call returns. */
#define DEFAULT_RXQ_DESCS 2048
#define DEFAULT_TXQ_DESCS 1024

static const char *const mode_names[] = {
    [AFXDP_MODE_BEST_EFFORT] = "best-effort",
    [AFXDP_MODE_NATIVE_ZC] = "native-with-zerocopy",
    [AFXDP_MODE_NATIVE] = "native",
    [AFXDP_MODE_GENERIC] = "generic",
    NULL
};

static const struct port_option option_table[] = {
#define OPTION(NAME, MEMBER, ...) \
    { .name = NAME, .ofs = offsetof(struct afxdp_options, MEMBER),  \
      __VA_ARGS__ }
    OPTION("xdp-mode", xdp_mode, .names = mode_names),
    OPTION("n_rxq", n_rxq, .min = 1, .max = 1024),
    OPTION("start-qid", start_qid, .min = 0, .max = 65535),
    OPTION("n_rxq_desc", n_rxq_desc, .default_value = DEFAULT_RXQ_DESCS,
           .min = XSK_MIN_DESCS, .max = XSK_MAX_DESCS, .pow2 = true),
    OPTION("n_txq_desc", n_txq_desc, .default_value = DEFAULT_TXQ_DESCS,
           .min = XSK_MIN_DESCS, .max = XSK_MAX_DESCS, .pow2 = true),
    OPTION("csum-offload", csum_offload, .default_value = true,
           .names = port_option_bool),
    OPTION("rx-csum-partial", rx_csum_partial, .names = port_option_auto),
#undef OPTION
};

const char *
afxdp_mode_name(enum afxdp_xdp_mode mode)
{
    return mode_names[mode];
}

/* Reads 'args', the configuration of the port 'name', into '*options'.  Warns
 * of keys that are not known.  Returns 0, or EINVAL with '*errp' set to a
 * message for the caller to free. */
int
afxdp_options_parse(const char *name, const struct smap *args,
                    struct afxdp_options *options, char **errp)
{
    memset(options, 0, sizeof *options);
    port_options_warn_unknown(name, option_table, ARRAY_SIZE(option_table),
                              args);
    return port_options_parse(name, option_table, ARRAY_SIZE(option_table),
                              args, options, errp);
}

/* Adds 'options' to 'args', in the words of the user. */
void
afxdp_options_format(const struct afxdp_options *options, struct smap *args)
{
    port_options_format(option_table, ARRAY_SIZE(option_table), options,
                        args);
}
