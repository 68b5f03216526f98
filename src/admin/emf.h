/* SPDX-License-Identifier: MIT */
/*
 * emf.h - metrics for CloudWatch, as lines of the log.
 *
 * Model: every so often the flagged rows of metrics.def are written as one line in the
 * embedded metric format, which CloudWatch Logs turns into metrics by itself. Counters are
 * told as what was added since the last line, histograms as their 50th and 99th percentile
 * in that time (the bound of the bucket; left out when nothing was observed). The only
 * dimension is Service: each value of a dimension is a metric of its own, and is paid for.
 */
#ifndef PARLEY_ADMIN_EMF_H
#define PARLEY_ADMIN_EMF_H

#include <parley/util/str.h>
#include <parley/util/strbuf.h>

struct emf;

struct emf_config {
    const char *name_space; /* borrowed, as what follows */
    const char *service;
    const char *node_name;
    const char *version;
};

struct emf *emf_new(const struct emf_config *config);
void emf_free(struct emf *emf);
/* Append the next line, with its end. */
void emf_render(struct emf *emf, struct strbuf *out);

#endif
