/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef TESTS_FUSE_FILE_H
#define TESTS_FUSE_FILE_H 1

/* A file whose pages never come: it lies in a FUSE file system that this
 * process serves.  Once it is open, who asks for its size or touches its
 * memory waits until the process ends. */

int fuse_file_open(void);

#endif /* fuse-file.h */
