/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config: YAML → struct config, with positions. Every problem of a file is found in one go. */
#pragma once

#include <sys/types.h>

#include "base/err.h"
#include "base/inet.h"
#include "base/log.h"
#include "base/vec.h"
#include "base/cfg.h"

#define CONFIG_DEFAULT_DIR "/etc/rnm/policies.d"

struct cfg_iface {
	unsigned line, col;
	char *name;                     /* exact or glob */
	char *zone;                     /* nftables_zone; NULL none */
	bool dhcp;                      /* watched only, so far */
	VEC(struct ipprefix) addresses; /* watched only, so far */
	bool managed;
};
struct cfg_pack {
	unsigned line, col;
	char *name;
	bool enabled, enabled_given, trusted;
	char **files;           /* NULL-terminated or NULL */
	struct cfg_node config; /* CFG_NULL: none */
};
struct cfg_template { /* a file of nft's language that rnm loads itself */
	unsigned line, col;
	char *name;
	struct cfg_node params; /* CFG_NULL: none */
};
struct config {
	char *path;
	VEC(struct cfg_iface) ifaces;
	VEC(char *)
	dirs; /* policy directories, in order; absolute where the file's own folder could be found */
	bool dirs_given; /* false: dirs is the default directory, which may be missing */
	unsigned dirs_line, dirs_col;
	VEC(struct cfg_pack) packs;
	VEC(struct cfg_template) templates;
	char *template_dir; /* `templates` beside the file; NULL where its folder could not be found */
	bool coalesce;      /* commit.coalesce: auto | never */
	unsigned max_events, max_delay_ms;
	bool drift_warn;                              /* drift: repair | warn */
	bool owner;                                   /* table.owner */
	char *socket_path, *socket_group, *state_dir; /* NULL: the default */
	mode_t socket_mode;
	enum log_level log_level;
	struct {
		uint64_t hook_instructions, main_instructions, hook_ms, main_ms, memory;
		uint32_t statements, timers, emits;
	} limits; /* 0: the default */
	VEC(char *)
	notes; /* "eth0: dhcp is watched only in this version …" with FILE:LINE:COL, for check and status */
};

/* A pack that is to run, found in the directories or named by the configuration. Strings are owned by the
 * list. */
struct found_pack {
	char *name, *path, *dir;
	int order;
	const struct cfg_pack *cfg; /* borrowed, NULL: not mentioned */
};
typedef VEC(struct found_pack) found_packs;

/* -EINVAL: e has every problem, one a line: "FILE:LINE:COL: KEY.PATH: what is wrong; did you mean …?". -errno
 * for the file itself. Refuses files that group or others can write, or that somebody else than root or this
 * process's user owns. */
int config_load(const char *path, struct config **out, struct err *e);
/* The same for text that is in memory already; path is for messages and relative names. */
int config_parse(const char *path, const char *data, size_t len, struct config **out, struct err *e);
void config_free(struct config *c);
/* What it says of the other packs is forgotten. Before config_packs(). */
void config_keep_packs(struct config *c, bool (*keep)(void *ctx, const struct cfg_pack *p), void *ctx);
/* Packs of the directories (NAME.lua, NAME/init.lua, NN- prefixes), and shipped ones that `packs:` names,
 * sorted by order and name. shipped_dir: /usr/share/rnm/policies. Permissions as above. Two files of one pack
 * name are an error. */
int config_packs(const struct config *c, const char *shipped_dir, found_packs *out, struct err *e);
void found_packs_free(found_packs *f);
