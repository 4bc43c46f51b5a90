// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules of packs that somebody disabled: the file in the state folder says which; the ruleset leaves them
 * out. The file comes first, so that whatever dies in between, the next start does what it says. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "engine/core.h"
#include "nft/ruleset_disabled.h"

void disabled_load(struct engine *en)
{
	struct disabled_list l = { 0 };
	_err_ struct err e = ERR_INIT;
	int rc = en->state_dir ? disabled_peek(en->state_dir, &l, &e) : -ENOENT;

	if (rc < 0 && rc != -ENOENT) {
		log_error("nft", "%s; no rule is disabled until that is mended or the file put away",
			err_text(&e));
		return; /* those that are stay so */
	}
	ruleset_disable(en->rs, &l);
	disabled_list_free(&l);
}

/* The list into force, all or nothing. */
static int switch_rules(struct engine *en, const struct disabled_list *l, const char *event, struct err *e)
{
	txn_begin(en, ORIGIN_NFT, event);
	ruleset_disable(en->rs, l);
	return txn_end(en, true, e);
}

static int take_back(struct engine *en, struct disabled_file *f, const struct buf *was)
{
	struct disabled_list *l = disabled_list(f);
	_err_ struct err e = ERR_INIT;

	disabled_list_free(l);
	disabled_parse(was->s, was->n, l, NULL);
	if (disabled_save(f, &e) < 0)
		log_error("nft", "%s", err_text(&e));
	txn_begin(en, ORIGIN_NFT, "undone");
	ruleset_disable(en->rs, l);
	return txn_end(en, false, NULL);
}

static int put_in_force(
	struct engine *en, struct disabled_file *f, const struct buf *was, const char *event, struct err *e)
{
	int rc = disabled_save(f, e);

	if (rc == 0)
		rc = switch_rules(en, disabled_list(f), event, e);
	if (rc < 0)
		take_back(en, f, was);
	return rc;
}

static int no_state(struct err *e)
{
	return err_set(e, -EOPNOTSUPP, "there is no state folder where it could be remembered");
}

int engine_disable_rule(struct engine *en, struct obj *chain, uint64_t handle, struct buf *out, struct err *e)
{
	struct disabled_file *f = NULL;
	struct disabled d = { 0 };
	_buf_ struct buf was = BUF_INIT, event = BUF_INIT;
	int rc = en->state_dir ? kernel_check(en, e) : no_state(e);

	if (rc == 0)
		rc = ruleset_rule_find(en->rs, chain, handle, &d, e);
	if (rc == 0)
		rc = disabled_open(en->state_dir, &f, e);
	if (rc == 0) {
		disabled_print(disabled_list(f), &was);
		d.since = (uint64_t)time(NULL);
		rc = disabled_add(disabled_list(f), &d, e);
	}
	if (rc < 0) {
		disabled_free(&d);
		disabled_close(f);
		return rc;
	}
	buf_printf(&event, "disable rule of %s %s %s", nft_family_name(d.family), d.table, d.chain);
	buf_printf(out, "disabled: %s\n    of pack %s, %s; to enable it: enable rule id %llu\n", d.text,
		d.pack, d.where, (unsigned long long)d.id);
	rc = put_in_force(en, f, &was, buf_str(&event), e);
	if (rc < 0)
		buf_clear(out); /* it was told before it was done */
	disabled_close(f);
	return rc;
}

static void tell_enabled(struct engine *en, const struct disabled *d, struct buf *out)
{
	const char *pack;
	struct site site;

	if (ruleset_disabled_stated(en->rs, d, &pack, &site))
		buf_printf(out, "enabled: %s\n    of pack %s, %s:%u\n", d->text, pack, site.file, site.line);
	else
		buf_printf(out, "forgotten: %s\n    of pack %s, which does not state it now\n", d->text,
			d->pack);
}

int engine_enable_rule(struct engine *en, uint64_t id, struct buf *out, struct err *e)
{
	struct disabled_file *f = NULL;
	struct disabled *d;
	_buf_ struct buf was = BUF_INIT, event = BUF_INIT;
	int rc = en->state_dir ? disabled_open(en->state_dir, &f, e) : no_state(e);

	if (rc < 0)
		return rc;
	d = disabled_by_id(disabled_list(f), id);
	if (!d || !d->pack) {
		disabled_close(f);
		return err_set(
			e, -ENOENT, "no rule of a pack is disabled under id %llu", (unsigned long long)id);
	}
	disabled_print(disabled_list(f), &was);
	buf_printf(&event, "enable rule of %s %s %s", nft_family_name(d->family), d->table, d->chain);
	tell_enabled(en, d, out);
	disabled_remove(disabled_list(f), id);
	rc = put_in_force(en, f, &was, buf_str(&event), e);
	if (rc < 0)
		buf_clear(out); /* it was told before it was done */
	disabled_close(f);
	return rc;
}

void engine_disabled_text(struct engine *en, const struct disabled *d, struct buf *out)
{
	const char *pack;
	struct site site;

	if (ruleset_disabled_stated(en->rs, d, &pack, &site))
		buf_printf(out, "stated by pack %s, %s:%u", pack, site.file, site.line);
	else
		buf_printf(out, "not stated now; it was by pack %s, %s", d->pack, d->where);
}
