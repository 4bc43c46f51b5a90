// SPDX-License-Identifier: GPL-2.0-or-later
/* What the control socket can be asked. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "nft/why.h"
#include "rnmd/daemon.h"
#include "rnmd/nft.h"

static int cmd_ping(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	struct daemon *d = ctx;

	(void)s;
	if (!d->ready)
		return err_set(e, -EAGAIN, "not ready: the first commit failed and is tried again");
	buf_puts(out, *args ? "\"pong\"\n" : "pong\n");
	return 0;
}

static void status_json(struct daemon *d, struct buf *out)
{
	struct watch_stats w = watch_stats(d->watch);
	struct json j = { out, false };

	json_open(&j, NULL, '{');
	json_text(&j, "version", RNM_VERSION);
	json_num(&j, "pid", getpid());
	json_unsigned(&j, "uptime", (mono_ns() - d->started) / 1000000000ull);
	json_text(&j, "configuration", d->config_path);
	json_open(&j, "kernel", '{');
	json_unsigned(&j, "generation", nft_genid(d->conn));
	json_unsigned(&j, "messages", w.messages);
	json_unsigned(&j, "overruns", w.overruns);
	json_unsigned(&j, "interrupted", w.interrupted);
	json_unsigned(&j, "resyncs", w.resyncs);
	json_unsigned(&j, "malformed", w.malformed);
	json_close(&j, '}');
	apply_status_json(d, &j);
	engine_status_json(d->engine, &j);
	json_close(&j, '}');
	buf_putc(out, '\n');
}

static int cmd_status(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	struct daemon *d = ctx;
	struct watch_stats w = watch_stats(d->watch);

	(void)s;
	(void)e;
	if (*args) {
		status_json(d, out);
		return 0;
	}
	buf_printf(out, "rnmd %s, pid %d, up %llu s, configuration %s\n", RNM_VERSION, getpid(),
		(unsigned long long)((mono_ns() - d->started) / 1000000000ull), d->config_path);
	buf_printf(out,
		"kernel: ruleset generation %u; rtnetlink: %llu messages, %llu overruns, %llu interrupted "
		"dumps, %llu resyncs, %llu malformed\n",
		nft_genid(d->conn), (unsigned long long)w.messages, (unsigned long long)w.overruns,
		(unsigned long long)w.interrupted, (unsigned long long)w.resyncs,
		(unsigned long long)w.malformed);
	apply_status(d, out);
	engine_status(d->engine, out);
	return 0;
}

/* What whoever asked for a change is told, when there was one. */
static int told(bool json,
	int (*change)(struct daemon *d, const void *arg, const struct answer *to, struct err *e),
	struct daemon *d, const void *arg, struct buf *out, struct err *e)
{
	_buf_ struct buf text = BUF_INIT;
	struct json j = { &text, false };
	int rc;

	if (json)
		json_open(&j, NULL, '{');
	rc = change(d, arg, &(struct answer){ &text, json ? &j : NULL }, e);
	if (json)
		json_close(&j, '}');
	if (rc == 0)
		buf_printf(out, "%s%s", buf_str(&text), json ? "\n" : "");
	return rc;
}

static int reload(struct daemon *d, const void *arg, const struct answer *to, struct err *e)
{
	(void)arg;
	return daemon_reload(d, to, e);
}

static int cmd_reload(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	(void)s;
	return told(*args, reload, ctx, NULL, out, e);
}

struct apply_args {
	const char *config;
	uint64_t seconds;
};

static int apply(struct daemon *d, const void *arg, const struct answer *to, struct err *e)
{
	const struct apply_args *a = arg;

	return apply_begin(d, a->config, (unsigned)a->seconds, to, e);
}

static int cmd_apply(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	bool json = command_option(&args, "--json");
	struct apply_args a = { 0 };
	char **words;
	int n = control_words(args, &words, e), rc = 0;

	(void)s;
	if (n < 0)
		return n;
	for (int i = 0; i < n && rc == 0; i++) {
		if (!strcmp(words[i], "--confirm")) {
			if (++i == n || !parse_u64(words[i], 86400, &a.seconds) || !a.seconds)
				rc = err_set(e, -EINVAL, "--confirm needs SECONDS, 1 to 86400");
		} else if (a.config || words[i][0] != '/') {
			rc = err_set(e, -EINVAL, "'%s': apply takes one absolute path and --confirm SECONDS",
				words[i]);
		} else {
			a.config = words[i];
		}
	}
	if (rc == 0)
		rc = told(json, apply, ctx, &a, out, e);
	control_words_free(words);
	return rc;
}

static int confirm(struct daemon *d, const void *arg, const struct answer *to, struct err *e)
{
	(void)arg;
	return apply_confirm(d, to, e);
}

static int cmd_confirm(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	(void)s;
	return told(*args, confirm, ctx, NULL, out, e);
}

bool command_option(const char **args, const char *name)
{
	size_t n = strlen(name);
	const char *at = *args + strspn(*args, " \t");

	if (strncmp(at, name, n) != 0 || (at[n] && at[n] != ' ' && at[n] != '\t'))
		return false;
	*args = at + n;
	return true;
}

/* One text of the words; -errno: they are none. */
static int joined(const char *args, struct buf *what, struct err *e)
{
	char **words;
	int n = control_words(args, &words, e);

	for (int i = 0; i < n; i++)
		buf_printf(what, "%s%s", i ? " " : "", words[i]);
	if (n >= 0)
		control_words_free(words);
	return n;
}

#define LIST_ASIDE 10000u /* elements from which on a list is made aside */

struct list_args {
	bool json, names;
	const char *what; /* NULL: all */
};

static int list(struct daemon *d, const void *arg, struct buf *out, struct err *e)
{
	struct ruleset *rs = engine_ruleset(d->engine);
	const struct list_args *a = arg;

	if (a->names)
		return ruleset_names(rs, a->what, out, e);
	return a->json ? ruleset_json(rs, a->what, JSON_MAX, out, e) : ruleset_text(rs, a->what, out, e);
}

static int cmd_list(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	struct daemon *d = ctx;
	struct list_args a = { .json = command_option(&args, "--json") };
	_buf_ struct buf what = BUF_INIT;
	int n;

	a.names = command_option(&args, "--names");
	n = joined(args, &what, e);
	if (n < 0)
		return n;
	if (a.json && a.names)
		return err_set(e, -EINVAL, "--names is for people: without --json");
	a.what = what.n ? buf_str(&what) : NULL;
	if (!a.names && ruleset_elements(engine_ruleset(d->engine), a.what) > LIST_ASIDE)
		return aside(d, s, list, &a, e);
	return list(d, &a, out, e);
}

static int why(struct daemon *d, const void *arg, const struct answer *to, struct err *e)
{
	return ruleset_why(engine_ruleset(d->engine), arg, to, e);
}

static int cmd_why(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	bool json = command_option(&args, "--json");
	_buf_ struct buf what = BUF_INIT;
	int n = joined(args, &what, e);

	(void)s;
	return n < 0 ? n : told(json, why, ctx, buf_str(&what), out, e);
}

static int cmd_monitor(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	(void)ctx;
	(void)args;
	(void)out;
	(void)e;
	session_subscribe(s);
	return 0;
}

static int cmd_emit(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	struct daemon *d = ctx;
	char **words;
	VEC(const char *) kv = { 0 };
	bool json = command_option(&args, "--json");
	int n = control_words(args, &words, e), rc = 0;

	(void)s;
	if (n < 0)
		return n;
	if (n == 0)
		rc = err_set(e, -EINVAL, "emit needs a TOPIC, and may have KEY=VALUE pairs");
	for (int i = 1; i < n && rc == 0; i++) {
		char *eq = strchr(words[i], '=');

		if (!eq || eq == words[i]) {
			rc = err_set(e, -EINVAL, "'%s': expected KEY=VALUE", words[i]);
			break;
		}
		*eq = '\0';
		vec_push(&kv, words[i]);
		vec_push(&kv, eq + 1);
	}
	if (rc == 0)
		record_message(d, words[0], kv.v, kv.n / 2);
	if (rc == 0)
		rc = engine_message(d->engine, words[0], kv.v, kv.n / 2, e);
	if (rc >= 0) {
		if (json)
			buf_printf(out, "{\"handlers\":%d}\n", rc);
		else
			buf_printf(out, "%d handler%s\n", rc, rc == 1 ? "" : "s");
		rc = 0;
	}
	vec_free(&kv);
	control_words_free(words);
	return rc;
}

static const struct control_param eval_params[] = {
	{ "dry_run", PARAM_FLAG, "--dry-run", false },
	{ "read_only", PARAM_FLAG, "--read-only", false },
	{ "pack", PARAM_TEXT, "--pack", false },
	{ "code", PARAM_CODE, NULL, true },
	{ NULL, 0, NULL, false },
};
static const struct control_param complete_params[] = {
	{ "pack", PARAM_TEXT, "--pack", false },
	{ "text", PARAM_CODE, NULL, true },
	{ NULL, 0, NULL, false },
};
static const struct control_param undo_params[] = {
	{ "what", PARAM_TEXT, NULL, false },
	{ NULL, 0, NULL, false },
};
static const struct control_param apply_params[] = {
	{ "config", PARAM_TEXT, NULL, false },
	{ "confirm", PARAM_NUMBER, "--confirm", false },
	{ NULL, 0, NULL, false },
};
static const struct control_param emit_params[] = {
	{ "topic", PARAM_TEXT, NULL, true },
	{ "data", PARAM_PAIRS, NULL, false },
	{ NULL, 0, NULL, false },
};
static const struct control_param list_params[] = {
	{ "what", PARAM_WORDS, NULL, false },
	{ NULL, 0, NULL, false },
};
static const struct control_param plan_params[] = {
	{ "read", PARAM_FLAG, "--read", false },
	{ NULL, 0, NULL, false },
};
static const struct control_param why_params[] = {
	{ "what", PARAM_WORDS, NULL, true },
	{ NULL, 0, NULL, false },
};
static const struct control_param adopt_params[] = {
	{ "dry_run", PARAM_FLAG, "--dry-run", false },
	{ "family", PARAM_TEXT, NULL, true },
	{ "table", PARAM_TEXT, NULL, true },
	{ NULL, 0, NULL, false },
};
static const struct control_param packs_params[] = {
	{ "do", PARAM_TEXT, NULL, false },
	{ "pack", PARAM_TEXT, NULL, false },
	{ "hook", PARAM_TEXT, NULL, false },
	{ NULL, 0, NULL, false },
};

static const struct control_param nft_params[] = {
	{ "command", PARAM_CODE, NULL, true },
	{ NULL, 0, NULL, false },
};

static int cmd_nft(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	_buf_ struct buf netns = BUF_INIT, text = BUF_INIT;
	bool there = command_option(&args, "--netns");
	struct operator who = operator_of(s);

	if (there && control_word(&args, &netns, e) <= 0)
		return err_set(e, -EINVAL, "--netns needs DEVICE:INODE");
	args += strspn(args, " \t");
	if (!*args)
		return err_set(e, -EINVAL, "nft needs a COMMAND, such as: nft list tables");
	control_unescape(args, &text);
	buf_putc(&text, '\n');
	return daemon_nft(ctx, &who, there ? buf_str(&netns) : NULL, buf_str(&text), text.n, out, e);
}

const struct control_cmd daemon_commands[] = {
	{ "ping", "[--json]", "answers pong: the first commit is acknowledged", true, false, cmd_ping, true,
		NULL },
	{ "status", "[--json]", "what runs, what waits, what failed", true, false, cmd_status, true, NULL },
	{ "reload", "[--json]", "loads configuration and packs anew: all of it, or nothing", false, false,
		cmd_reload, true, NULL },
	{ "apply", "[--json] [CONFIG] [--confirm SECONDS]", "as reload; undone unless confirmed in time",
		false, true, cmd_apply, true, apply_params },
	{ "confirm", "[--json]", "keeps what apply --confirm put in force", false, false, cmd_confirm, true,
		NULL },
	{ "eval", "[--json] [--dry-run] [--read-only] [--pack NAME] CODE", "runs Lua as one transaction",
		false, true, cmd_eval, true, eval_params },
	{ "delta", "[--json]", "what evals state and edited beyond the files", false, false, cmd_delta, true,
		NULL },
	{ "complete", "[--json] [--pack NAME] TEXT",
		"what could stand at its end: its offset and how many more, then words", false, true,
		cmd_complete, true, complete_params },
	{ "undo", "[--json] [N | #ID | all]", "takes back one's own last evals, one of them, or everybody's",
		false, true, cmd_undo, true, undo_params },
	{ "list", "[--json | --names] [FAMILY TABLE [NAME]]", "the ruleset that rnm wants", true, true,
		cmd_list, true, list_params },
	{ "why", "[--json] ADDRESS | FAMILY TABLE [NAME] | NAME | TEXT", "whose it is, and since when", true,
		true, cmd_why, true, why_params },
	{ "plan", "[--json] [--read]", "what would be sent to the kernel now; --read: all is read back first",
		true, true, cmd_plan, true, plan_params },
	{ "metrics", "[--json]", "counters and times, as Prometheus reads them", true, false, cmd_metrics,
		true, NULL },
	{ "packs", "[--json] [show NAME | enable|disable NAME | quarantine|release NAME [HOOK]]",
		"the packs, their states and switches", true, true, cmd_packs, true, packs_params },
	{ "adopt", "[--dry-run] FAMILY TABLE", "makes a table rnm's that somebody else made", false, true,
		cmd_adopt, false, adopt_params },
	{ "record", "", "what happens, whole: for rnm replay", false, false, cmd_record, false, NULL },
	{ "monitor", "", "events and batches as they happen", true, false, cmd_monitor, false, NULL },
	{ "emit", "[--json] TOPIC [KEY=VALUE]...", "sends a message to the packs", false, true, cmd_emit,
		true, emit_params },
	{ "nft", "COMMAND", "one command of nft's language, in rnm's tables or others'", false, true, cmd_nft,
		false, nft_params },
	{ NULL, NULL, NULL, false, false, NULL, false, NULL },
};
