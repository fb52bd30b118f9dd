/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef AFXDP_OPTIONS_H
#define AFXDP_OPTIONS_H 1

/* Options of AF_XDP ports. */

struct smap;

enum afxdp_xdp_mode {
    AFXDP_MODE_BEST_EFFORT,       /* The first of the following that works. */
    AFXDP_MODE_NATIVE_ZC,
    AFXDP_MODE_NATIVE,
    AFXDP_MODE_GENERIC,
    AFXDP_N_MODES
};

/* A port's options as the user gave them.  All are ints, so that one table
 * describes them and memcmp() compares them. */
struct afxdp_options {
    int xdp_mode;               /* enum afxdp_xdp_mode. */
    int n_rxq;                  /* 0: as many as suit the device. */
    int start_qid;
    int n_rxq_desc;
    int n_txq_desc;
    int csum_offload;           /* Boolean. */
    int rx_csum_partial;        /* enum port_option_auto. */
};

const char *afxdp_mode_name(enum afxdp_xdp_mode);

int afxdp_options_parse(const char *name, const struct smap *,
                        struct afxdp_options *, char **errp);
void afxdp_options_format(const struct afxdp_options *, struct smap *);

#endif /* afxdp-options.h */
