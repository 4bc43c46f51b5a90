// SPDX-License-Identifier: GPL-2.0-or-later
/* Code of packs by its place: what is in quarantine and so does not run, and what the process would have died
 * in. */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "base/blackbox.h"
#include "script/internal.h"

#define TEXT_MAX  (1u << 20) /* what require takes */
#define DEPTH_MAX 8u

const struct item *run_item(const struct run *r)
{
	if (r->item)
		return r->item;
	return r->sub && r->sub->item ? r->sub->item : r->hook ? &r->hook->it : NULL;
}

static const char *run_word(const struct run *r)
{
	switch (r->kind) {
	case RUN_TIMER: return "timer";
	case RUN_MAP: return "map";
	case RUN_MAIN:
	case RUN_BLOCK:
	case RUN_EACH:
	case RUN_HOOK:
	case RUN_LIFECYCLE:
	case RUN_MESSAGE:
	case RUN_EVAL: break;
	}
	return r->what;
}

static struct site item_site(const struct pack *pk, const struct item *it)
{
	return it ? ruleset_site_get(pk->s->rs, it->site) : (struct site){ "", 0 };
}

static bool is_held(const struct pack *pk, const char *what, struct site site)
{
	if (pk->frozen)
		return true;
	for (uint32_t i = 0; i < pk->n_holds; i++) {
		const struct pack_hold *h = &pk->holds[i];

		if (!strcmp(h->what, what) && h->line == site.line && !strcmp(h->file, site.file))
			return true;
	}
	return false;
}

bool run_held(const struct run *r)
{
	if (!r->pk->n_holds || r->kind == RUN_EVAL)
		return false;
	/* a record that is mapped is asked for its value: that must come from somewhere */
	return r->kind != RUN_MAP && is_held(r->pk, run_word(r), item_site(r->pk, run_item(r)));
}

void run_mark(const struct run *r)
{
	const struct item *it = run_item(r);
	struct site site;

	if (!blackbox || (it && blackbox_enter_again(it->order)))
		return;
	site = item_site(r->pk, it);
	blackbox_enter(
		it ? it->order : 0, r->pk->spec.name, run_word(r), site.file, site.line, r->pk->spec.source);
}

/* What can not be left out by itself leaves out the pack. */
bool holds_whole(const struct pack_hold *holds, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (!*holds[i].what || !strcmp(holds[i].what, "main chunk") || !strcmp(holds[i].what, "map"))
			return true;
	return false;
}

void pack_holds_set(struct pack *pk, const struct pack_hold *holds, uint32_t n)
{
	struct pack_hold *copy = n ? xcalloc(n, sizeof(*copy)) : NULL;

	for (uint32_t i = 0; i < n; i++)
		copy[i] = (struct pack_hold){ xstrdup(holds[i].what), xstrdup(holds[i].file), holds[i].line };
	for (uint32_t i = 0; i < pk->n_holds; i++) {
		free(pk->holds[i].what);
		free(pk->holds[i].file);
	}
	free(pk->holds);
	pk->holds = copy;
	pk->n_holds = n;
	pk->frozen = holds_whole(copy, n);
}

void pack_held(struct pack *pk)
{
	pk->state = PACK_QUARANTINED;
	log_warn("pack", "%s: left out: it is in quarantine", pk->spec.name);
}

bool script_hold(struct script *s, const char *name, const struct pack_hold *holds, uint32_t n)
{
	struct pack *pk = pack_named(s, name);

	if (!pk)
		return false;
	pack_holds_set(pk, holds, n);
	pack_degraded(pk);
	return true;
}

const char *pack_state_name(enum pack_state s)
{
	switch (s) {
	case PACK_RUNNING: return "running";
	case PACK_DEGRADED: return "degraded";
	case PACK_FAILED: return "failed";
	case PACK_QUARANTINED: return "quarantined";
	case PACK_DISABLED: return "disabled";
	case PACK_BACKING_OFF: return "backing off";
	}
	return "?";
}

/* ---- asking ---- */

static const char *item_word(const struct item *it)
{
	switch (it->kind) {
	case ITEM_BLOCK: return "block";
	case ITEM_EACH: return "each";
	case ITEM_TIMER: return "timer";
	case ITEM_HOOK: break;
	}
	return hook_what(((const struct hook *)it)->ev);
}

bool script_places(const struct script *s, const char *name,
	void (*fn)(void *ctx, const struct pack_place *place), void *ctx)
{
	const struct pack *pk = pack_named(s, name);

	if (!pk)
		return false;
	fn(ctx, &(struct pack_place){ "main chunk", { pk->file, 0 }, pk->frozen });
	vec_foreach (it, &pk->items) {
		struct pack_place p = { .what = item_word(*it), .site = item_site(pk, *it) };

		p.held = is_held(pk, p.what, p.site);
		if (!(*it)->gone)
			fn(ctx, &p);
	}
	return true;
}

/* ---- what tells one text from another ---- */

static uint64_t hash_file(uint64_t h, const char *path)
{
	_autofree_ char *text = NULL;
	size_t n = 0;

	if (text_read(path, TEXT_MAX, &text, &n, NULL) < 0)
		n = 0;
	h = hash_stable(h, &n, sizeof(n));
	return hash_stable(h, text ? text : "", n);
}

static int is_source(const struct dirent *de)
{
	return *de->d_name != '.';
}

static uint64_t hash_folder(uint64_t h, const char *dir, unsigned depth)
{
	struct dirent **names = NULL;
	int n = depth < DEPTH_MAX ? scandir(dir, &names, is_source, alphasort) : 0;

	for (int i = 0; i < n; i++) {
		_autofree_ char *path = xasprintf("%s/%s", dir, names[i]->d_name);
		size_t len = strlen(path);
		struct stat st;

		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
			h = hash_folder(h, path, depth + 1);
		} else if (len > 4 && !strcmp(path + len - 4, ".lua")) {
			h = hash_stable(h, names[i]->d_name, strlen(names[i]->d_name) + 1);
			h = hash_file(h, path);
		}
		free(names[i]);
	}
	free(names);
	return h;
}

uint64_t pack_source(const struct pack_spec *spec)
{
	uint64_t h = 0x7061636b;

	if (spec->dir)
		h = hash_folder(h, spec->dir, 0);
	else if (spec->path)
		h = hash_file(h, spec->path);
	return h ? h : 1;
}
