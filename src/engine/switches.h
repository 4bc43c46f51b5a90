/* SPDX-License-Identifier: GPL-2.0-or-later */
/* switches: what is known of packs beside their files and the configuration, over restarts: which of them an
 * operator has disabled, what is in quarantine, and the last deaths of rnmd inside of their code. Kept as
 * JSON in the file `packs` of the state folder; what is read there is not trusted. */
#pragma once

#include "base/blackbox.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"

#define SWITCHES_MAX 4096u /* of each kind */
#define DEATHS_MAX   64u   /* the last ones */

struct pack_off {
	char *pack;
	double since;
};
struct quarantine {
	char *pack, *what, *file; /* what "": all of it */
	uint32_t line;
	uint64_t source; /* it ends when the pack's text is another */
	double since;
	char *why;
};
struct death {
	struct blackbox_place place;
	int signal;   /* 0: by none that could be caught */
	unsigned row; /* so many lives in a row ended there, this one the last; 0: another one ended otherwise
		       */
	double time;
};
struct switches {
	VEC(struct pack_off) off;
	VEC(struct quarantine) held;
	VEC(struct death) deaths; /* the oldest first */
	char *path;               /* NULL: kept nowhere */
};

void switches_free(struct switches *s);
/* Of this folder; nothing there is no error. -errno with e: what it says can not be used, s is empty. */
int switches_load(struct switches *s, const char *dir, struct err *e);
int switches_save(const struct switches *s, struct err *e);
int switches_parse(struct switches *s, const char *text, size_t n, struct err *e);
void switches_text(const struct switches *s, struct buf *out);

const struct pack_off *switches_off(const struct switches *s, const char *pack); /* NULL: it is not */
void switches_set_off(struct switches *s, const char *pack, bool off, double now);
/* True: it was not there. */
bool switches_hold(struct switches *s, const char *pack, const char *what, const char *file, uint32_t line,
	uint64_t source, const char *why, double now);
void switches_release(struct switches *s, uint32_t i);
bool switches_any_held(const struct switches *s, const char *pack);
/* The process died there. True: the place is in quarantine from now on; why: one line for it. */
bool switches_died(
	struct switches *s, const struct blackbox_place *at, int signal, double now, struct buf *why);
/* It ended otherwise. True: s is another now. */
bool switches_lived(struct switches *s);
