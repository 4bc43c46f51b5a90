/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A recording run again with other policies, on a clock of its own. Private to `rnm replay`. */
#pragma once

#include "engine/engine.h"
#include "engine/recording.h"

struct replayed { /* a commit of the replay; texts are its own */
	char *origin, *event, *text, *error;
	uint64_t sum, operations;
};

struct replay {
	struct recording rec;
	struct engine *engine;
	struct config *cfg;                                 /* until the engine has it */
	struct config *(*config)(void *ctx, struct err *e); /* once more, for a reload */
	void *config_ctx;
	char *shipped, *state_dir;
	uint64_t handles;
	uint64_t now, wake; /* ns since the beginning; wake: as the engine asked, mono_ns(), 0 none */
	uint32_t at;        /* the line that happens */
	uint32_t next_wake; /* index of a recorded one that is not over */
	VEC(struct replayed) got;
	VEC(const struct rec_line *) told; /* recorded commits, against got */
	VEC(struct file_token {
		char *path;
		uint64_t token;
	})
	files;
	bool all;                      /* print equal ones too */
	unsigned kinds, kinds_missing; /* that are followed; that should be */
	/* what came of it */
	unsigned equal, different, only_recorded, only_replayed, left_out, problems;
};

/* replay_run.c. 0, or -errno when it could not even begin. Prints on the way. */
int replay_run(struct replay *r, struct err *e);
void replay_free(struct replay *r);

/* replay_diff.c */
void replay_compare(struct replay *r); /* told against got; both are empty then */
void replay_ruleset(struct replay *r, const char *recorded, const char *replayed);
