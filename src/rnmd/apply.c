// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/file.h"
#include "rnmd/apply.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "config/config.h"
#include "rnmd/daemon.h"
#include "rnmd/snapshot.h"

#define SECONDS_MAX 86400
#define CONFIG_MAX  (4u << 20)
#define AGAIN_S     10. /* before a rollback that failed is tried again */

static const char *const words[] = {
	[APPLY_NONE] = "", [APPLY_PENDING] = "pending\n", [APPLY_ROLLED_BACK] = "rolled back\n"
};

/* ---- what a later start has to know ---- */

static int set_state(struct apply *a, enum apply_state state, struct err *e)
{
	int rc = 0;

	if (state != APPLY_NONE)
		rc = file_replace(a->file, words[state], strlen(words[state]), e);
	else if (access(a->file, F_OK) < 0 && errno == ENOENT)
		rc = 0; /* a state folder that can not be written is no obstacle then */
	else if (unlink(a->file) < 0 && errno != ENOENT)
		rc = err_set(e, -errno, "can not remove '%s': %s", a->file, strerror(errno));
	else
		rc = sync_folder_of(a->file, e);
	if (rc == 0)
		a->state = state;
	return rc;
}

static enum apply_state kept_state(const struct apply *a)
{
	char text[16] = "";
	int fd = open(a->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd < 0)
		return APPLY_NONE;
	close(fd);
	if (n == (ssize_t)strlen(words[APPLY_ROLLED_BACK]) && !strcmp(text, words[APPLY_ROLLED_BACK]))
		return APPLY_ROLLED_BACK;
	return APPLY_PENDING; /* whatever it says: a change began and nobody confirmed it */
}

/* ---- rolling back ---- */

static void stop_timer(struct daemon *d)
{
	ev_timer_stop(d->loop, &d->apply.timer);
	free(d->apply.config);
	d->apply.config = NULL;
}

static int roll_back(struct daemon *d, struct err *e)
{
	struct config *cfg = NULL;
	int rc = snapshot_load(d->state_dir, &cfg, e);

	if (rc == 0) {
		rc = daemon_take(d, cfg, NULL, e);
		if (rc < 0)
			config_free(cfg);
	}
	return rc;
}

static void on_timeout(struct ev_loop *loop, ev_timer *t, int revents)
{
	struct daemon *d = t->data;
	_err_ struct err e = ERR_INIT;

	(void)revents;
	ev_timer_stop(loop, t);
	if (roll_back(d, &e) < 0) {
		log_error("rnmd",
			"the change was not confirmed, and what ran before can not be brought back: %s; "
			"tried again in %d s",
			err_text(&e), (int)AGAIN_S);
		ev_timer_set(t, AGAIN_S, 0.);
		ev_timer_start(loop, t);
		return;
	}
	log_warn("rnmd", "the change was not confirmed: what ran before runs again, whatever the files say, "
			 "until `rnm reload` or `rnm apply`");
	stop_timer(d);
	snapshot_unstage(d->state_dir);
	if (set_state(&d->apply, APPLY_ROLLED_BACK, &e) < 0)
		log_error("rnmd", "%s", err_text(&e));
	d->apply.state = APPLY_ROLLED_BACK;
}

/* ---- life ---- */

void apply_init(struct daemon *d)
{
	d->apply.file = xasprintf("%s/apply", d->state_dir);
	ev_timer_init(&d->apply.timer, on_timeout, 0., 0.);
	d->apply.timer.data = d;
}

void apply_free(struct daemon *d)
{
	if (d->loop)
		ev_timer_stop(d->loop, &d->apply.timer);
	free(d->apply.file);
	free(d->apply.config);
}

/* What can not be written is found again by the next start: no reason to leave a router without rules. */
static void found_state(struct apply *a, enum apply_state state)
{
	_err_ struct err e = ERR_INIT;

	if (set_state(a, state, &e) < 0)
		log_error("rnmd", "%s", err_text(&e));
	a->state = state;
}

void apply_start(struct daemon *d, struct config **out)
{
	struct apply *a = &d->apply;
	_err_ struct err why = ERR_INIT;
	enum apply_state kept = kept_state(a);

	snapshot_unstage(d->state_dir);
	if (kept == APPLY_NONE)
		return;
	if (snapshot_load(d->state_dir, out, &why) < 0) {
		log_error("rnmd",
			"a change was not confirmed, but what ran before was not kept (%s): the files count",
			err_text(&why));
		found_state(a, APPLY_NONE);
		return;
	}
	log_warn("rnmd",
		"%s: what ran before it is started, whatever the files say, until `rnm reload` or `rnm "
		"apply`",
		kept == APPLY_PENDING ? "the daemon ended while a change waited for its confirmation"
				      : "the last change was not confirmed");
	d->kept = true;
	found_state(a, APPLY_ROLLED_BACK);
}

void apply_good(struct daemon *d)
{
	_err_ struct err e = ERR_INIT;

	if (d->apply.state != APPLY_NONE)
		return;
	d->kept = snapshot_take(d->state_dir, engine_config(d->engine), &e) == 0;
	if (!d->kept)
		log_warn("rnmd", "what runs can not be kept for `rnm apply --confirm`: %s", err_text(&e));
}

void apply_pack(struct daemon *d, const char *pack)
{
	bool staged = d->apply.state == APPLY_PENDING;
	_err_ struct err e = ERR_INIT;

	if (d->apply.state == APPLY_ROLLED_BACK || (!staged && !d->kept)) /* it came from what is kept */
		return;
	if (snapshot_pack(d->state_dir, staged, engine_config(d->engine), pack, &e) == 0)
		return;
	log_warn("rnmd", "what runs can not be kept for `rnm apply --confirm`: %s", err_text(&e));
	if (!staged)
		d->kept = false;
}

static unsigned long long seconds_left(const struct apply *a)
{
	uint64_t now = mono_ns();

	return a->until > now ? (a->until - now) / 1000000000u : 0;
}

int apply_may_reload(struct daemon *d, struct err *e)
{
	if (d->apply.state != APPLY_PENDING)
		return 0;
	return err_set(e, -EBUSY,
		"a change waits for its confirmation: `rnm confirm` keeps it, else it is rolled back in %llu "
		"s",
		seconds_left(&d->apply));
}

void apply_reloaded(struct daemon *d)
{
	_err_ struct err e = ERR_INIT;

	if (set_state(&d->apply, APPLY_NONE, &e) < 0)
		log_error("rnmd", "%s", err_text(&e));
	apply_good(d);
}

/* ---- commands ---- */

static int load(struct daemon *d, const char *config, bool stage, const struct answer *to, struct err *e)
{
	struct config *cfg = NULL;
	int rc = config_load(config ? config : d->config_path, &cfg, e);

	if (rc == 0) {
		rc = stage ? snapshot_stage(d->state_dir, cfg, e) : 0;
		if (rc == 0)
			rc = daemon_take(d, cfg, to, e);
		if (rc < 0)
			config_free(cfg);
	}
	return rc;
}

static int read_applied(const char *path, struct buf *out, struct err *e)
{
	_autoclose_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? err_set(e, -errno, "can not read '%s': %s", path, strerror(errno))
		      : fd_read(fd, path, CONFIG_MAX, out, e);
}

/* The applied file takes the place of the daemon's own, whose text stays beside it. */
static int install(struct daemon *d, const struct answer *to, struct err *e)
{
	struct apply *a = &d->apply;
	_autofree_ char *before = xasprintf("%s~", d->config_path);
	_buf_ struct buf text = BUF_INIT;
	struct stat st = { .st_mode = 0600 };
	int rc;

	if (!a->config)
		return 0;
	rc = a->state == APPLY_PENDING ? snapshot_staged_config(d->state_dir, &text, e)
				       : read_applied(a->config, &text, e);
	if (rc < 0)
		return rc;
	stat(d->config_path, &st);
	unlink(before);
	if (link(d->config_path, before) < 0 && errno != ENOENT)
		return err_set(e, -errno, "can not keep '%s': %s", before, strerror(errno));
	rc = file_write(d->config_path, st.st_mode & 0644, true, buf_str(&text), text.n, e);
	if (rc < 0)
		return rc;
	if (to->json) {
		json_open(to->json, "installed", '{');
		json_text(to->json, "configuration", d->config_path);
		json_text(to->json, "from", a->config);
		json_text(to->json, "former", before);
		json_close(to->json, '}');
	} else {
		buf_printf(to->text, "%s is now what %s was; the former is %s\n", d->config_path, a->config,
			before);
	}
	return 0;
}

/* What was tried is the good one now, as it was when it was tried. */
static void keep_staged(struct daemon *d)
{
	_err_ struct err e = ERR_INIT;

	d->kept = snapshot_keep_staged(d->state_dir, &e) == 0;
	if (!d->kept)
		log_warn("rnmd", "what runs can not be kept for `rnm apply --confirm`: %s", err_text(&e));
}

static int keep(struct daemon *d, const struct answer *to, struct err *e)
{
	bool staged = d->apply.state == APPLY_PENDING;
	int rc = install(d, to, e);

	if (rc < 0)
		return rc;
	rc = set_state(&d->apply, APPLY_NONE, e);
	if (rc < 0)
		return rc;
	stop_timer(d);
	if (staged)
		keep_staged(d);
	else
		apply_good(d);
	log_info("rnmd", "what was applied is kept");
	if (to->json)
		apply_status_json(d, to->json);
	return 0;
}

static bool is_own_file(const struct daemon *d, const char *path)
{
	struct stat a, b;

	return !strcmp(path, d->config_path) || (stat(path, &a) == 0 && stat(d->config_path, &b) == 0 &&
							a.st_dev == b.st_dev && a.st_ino == b.st_ino);
}

int apply_begin(
	struct daemon *d, const char *config, unsigned seconds, const struct answer *to, struct err *e)
{
	struct apply *a = &d->apply;
	enum apply_state before = a->state;
	int rc = apply_may_reload(d, e);

	if (rc == 0 && seconds > SECONDS_MAX)
		rc = err_set(e, -EINVAL, "--confirm: at most %d seconds", SECONDS_MAX);
	if (rc == 0 && seconds && before == APPLY_NONE && !d->kept)
		rc = err_set(
			e, -EIO, "what runs now is not kept, so it could not be brought back: see the log");
	if (rc == 0 && seconds) /* before anything changes: whoever dies from here on is rolled back */
		rc = set_state(a, APPLY_PENDING, e);
	if (rc < 0)
		return rc;
	a->config = config && !is_own_file(d, config) ? xstrdup(config) : NULL;
	rc = load(d, a->config, seconds > 0, to, e);
	if (rc == 0 && !seconds)
		return keep(d, to, e);
	if (rc < 0) {
		_err_ struct err why = ERR_INIT;

		stop_timer(d);
		snapshot_unstage(d->state_dir);
		if (seconds && set_state(a, before, &why) < 0)
			log_error("rnmd", "%s", err_text(&why));
		return rc;
	}
	a->until = mono_ns() + (uint64_t)seconds * 1000000000;
	ev_now_update(d->loop);
	ev_timer_set(&a->timer, seconds, 0.);
	ev_timer_start(d->loop, &a->timer);
	log_warn("rnmd",
		"a change of the configuration is in force; it is rolled back in %u s unless it is confirmed",
		seconds);
	if (to->json)
		apply_status_json(d, to->json);
	else
		buf_printf(to->text, "in force; `rnm confirm` keeps it, else it is rolled back in %u s\n",
			seconds);
	return 0;
}

int apply_confirm(struct daemon *d, const struct answer *to, struct err *e)
{
	if (d->apply.state != APPLY_PENDING)
		return err_set(e, -EINVAL, "nothing waits for a confirmation");
	return keep(d, to, e);
}

void apply_status(struct daemon *d, struct buf *out)
{
	const struct apply *a = &d->apply;

	if (a->state == APPLY_PENDING)
		buf_printf(out, "apply: %s waits for `rnm confirm`, rolled back in %llu s\n",
			a->config ? a->config : d->config_path, seconds_left(a));
	if (a->state == APPLY_ROLLED_BACK)
		buf_puts(out, "apply: a change was not confirmed: what ran before runs, whatever the files "
			      "say; `rnm reload` takes the files\n");
}

void apply_status_json(struct daemon *d, struct json *j)
{
	const struct apply *a = &d->apply;

	json_open(j, "apply", '{');
	json_text(j, "state",
		a->state == APPLY_PENDING       ? "pending"
		: a->state == APPLY_ROLLED_BACK ? "rolled back"
						: "none");
	if (a->state == APPLY_PENDING) {
		json_text(j, "configuration", a->config ? a->config : d->config_path);
		json_unsigned(j, "rolled_back_in", seconds_left(a));
	}
	json_close(j, '}');
}
