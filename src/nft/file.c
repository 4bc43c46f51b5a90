// SPDX-License-Identifier: GPL-2.0-or-later
/* A file's life: its sources, its commands, and the rules that are parsed when their turn comes. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "nft/file_impl.h"

struct source *source_add(struct nft_file *f, char *name, char *text, size_t len, unsigned depth)
{
	struct source *s = xnew(struct source);

	s->src = (struct src){
		.text = text, .len = (uint32_t)len, .file = name, .line = 1, .index = &s->index
	};
	s->depth = depth;
	f->bytes += len;
	vec_push(&f->sources, s);
	return s;
}

static bool same_name(const void *item, const void *key)
{
	return !strcmp(item, key);
}

const char *file_name(struct nft_file *f, const char *s, size_t n)
{
	char name[NFT_NAME_MAXLEN];
	uint64_t hash = hash_bytes(s, n);
	char *own;

	snprintf(name, sizeof(name), "%.*s", (int)n, s);
	own = hmap_find(&f->names, hash, same_name, name);
	if (!own) {
		own = arena_strdup(&f->decl.arena, s, n);
		hmap_put(&f->names, hash, own);
	}
	return own;
}

struct file_cmd *cmd_push(struct nft_file *f, const struct file_cmd *cmd)
{
	vec_push(&f->cmds, *cmd);
	return &f->cmds.v[f->cmds.n - 1];
}

void parser_at(struct parser *p, struct nft_file *f, struct ast_rule *r, uint32_t file, uint32_t pos,
	uint32_t end, struct err *e)
{
	*p = (struct parser){
		.r = r, .e = e, .file = f, .source = file, .define = define_use, .fill = define_fill
	};
	lex_init(&p->lx, &f->sources.v[file]->src);
	p->lx.pos = pos;
	p->lx.end = end;
}

/* Statements of a source up to its end. */
bool read_source(struct nft_file *f, uint32_t file, const struct block *b, unsigned depth)
{
	_err_ struct err local = ERR_INIT;
	struct source *s = f->sources.v[file];
	struct parser p;

	if (memchr(s->src.text, '\0', s->src.len)) {
		src_error(&s->src, (uint32_t)strlen(s->src.text), 0, &local, "a NUL byte in the text");
		f->n_errors++;
		errlist_add(f->errs, file, 0, &local);
		return false;
	}
	parser_at(&p, f, &f->decl, file, 0, s->src.len, &local);
	p.lx.newlines = true;
	p.depth = depth;
	p.defs = f->now;
	p_advance(&p);
	for (;;) {
		p_block(&p, b);
		if (p.tok.kind == TOK_END || f->n_errors >= FILE_ERRORS_MAX)
			break;
		if (p.tok.kind == '}')
			p_fail(&p, "this `}` closes nothing");
		else
			p_fail(&p, "this can not stand in the block that includes it");
		p_report(&p, p.tok.pos);
		p_jump(&p, p.tok.kind == '}' ? p.tok.end : scan_statement(&s->src, p.tok.pos, s->src.len));
	}
	return true;
}

/* A file that is refused tells of the bad rules as well. */
static void rule_errors(struct nft_file *f, struct errlist *errs)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < f->cmds.n && n < ERRLIST_MAX; i++) {
		const struct file_cmd *c = &f->cmds.v[i];
		_err_ struct err e = ERR_INIT;
		struct ast_rule *r;

		if (c->what != FILE_RULE || !c->rule.body_end)
			continue;
		if (file_rule(f, c, &r, &e) == 0) {
			ast_put(r);
		} else if (e.code != -ECANCELED) {
			errlist_add(errs, c->file, c->pos, &e);
			n++;
		}
	}
}

struct nft_file *nft_file_parse(
	const char *name, const char *text, size_t len, const struct nft_file_opts *o, struct errlist *errs)
{
	struct nft_file *f = xnew(struct nft_file);
	_err_ struct err e = ERR_INIT;
	uint32_t before = errs->n;

	f->refs = 1;
	f->errs = errs;
	f->decl.refs = 1;
	if (o)
		f->o = *o;
	if (len > FILE_BYTES_MAX) {
		err_set(&e, -EFBIG, "%s: %zu bytes, the limit is %u", name, len, FILE_BYTES_MAX);
		errlist_add(errs, 0, 0, &e);
		file_put(f);
		return NULL;
	}
	source_add(f, xstrdup(!strcmp(name, "-") ? "/dev/stdin" : name), xstrndup(text, len), len, 0);
	for (unsigned i = 0; i < f->o.n_define; i++)
		define_option(f, f->o.define[i]);
	if (errs->n == before)
		read_source(f, 0, &(struct block){ .fn = read_command }, 0);
	f->errs = NULL;
	f->o.include = NULL;
	if (errs->n == before)
		return f;
	rule_errors(f, errs);
	nft_file_free(f);
	return NULL;
}

void file_put(struct nft_file *f)
{
	if (--f->refs)
		return;
	vec_foreach (s, &f->sources) {
		src_index_free(&(*s)->index);
		free((char *)(*s)->src.text);
		free((char *)(*s)->src.file);
		free(*s);
	}
	vec_free(&f->sources);
	vec_free(&f->cmds);
	define_free(f);
	hmap_free(&f->names);
	vec_free(&f->decl.params);
	arena_free(&f->decl.arena);
	free(f);
}

void nft_file_free(struct nft_file *f)
{
	if (f)
		file_put(f);
}

uint32_t file_cmds(const struct nft_file *f)
{
	return f->cmds.n;
}

const struct file_cmd *file_cmd(const struct nft_file *f, uint32_t i)
{
	return &f->cmds.v[i];
}

const struct src *file_src(const struct nft_file *f, uint32_t file)
{
	return &f->sources.v[file]->src;
}

const char *file_define_at(const struct nft_file *f, size_t i)
{
	return i < f->order.n ? f->order.v[i]->name : NULL;
}

/* In a chain's block, a property whose word is written wrong looks like a rule. */
static bool misspelled(const struct nft_file *f, const struct file_cmd *cmd, struct err *e)
{
	static const char *const words[] = { "type", "policy", "flags", "devices", "define", "redefine",
		"undefine", "include" };
	const struct src *src = &f->sources.v[cmd->file]->src;
	const char *s = src->text + cmd->rule.body, *near;
	char word[16];
	uint32_t n = 0;

	while (cmd->rule.body + n < cmd->rule.body_end && isalnum((unsigned char)s[n]))
		n++;
	if (!n || n >= sizeof(word) || word_find(s, n))
		return false;
	memcpy(word, s, n);
	word[n] = '\0';
	near = suggest_in(word, words, ARRAY_SIZE(words));
	if (!near)
		return false;
	src_error(src, cmd->rule.body, cmd->rule.body + n, e, "unexpected `%s`; did you mean `%s`?", word,
		near);
	return true;
}

const char *file_define_next(void *file, size_t i)
{
	return file_define_at(file, i);
}

int file_rule(struct nft_file *f, const struct file_cmd *cmd, struct ast_rule **out, struct err *e)
{
	_err_ struct err local = ERR_INIT;
	struct ast_rule *r;
	struct parser p;
	int code;

	*out = NULL;
	if (cmd->rule.body_end - cmd->rule.body > FILE_RULE_MAX)
		return file_error(f, cmd, e, -EINVAL, "a rule of %u bytes, the limit is %u",
			cmd->rule.body_end - cmd->rule.body, FILE_RULE_MAX);
	if (cmd->block && misspelled(f, cmd, e))
		return -EINVAL;
	r = xnew(struct ast_rule);
	r->refs = 1;
	r->src = f->sources.v[cmd->file]->src;
	r->from = cmd->rule.body;
	r->to = cmd->rule.body_end;
	r->defs = cmd->defs;
	r->source = cmd->file;
	r->file = f;
	f->refs++;
	parser_at(&p, f, r, cmd->file, r->from, r->to, &local);
	p.defs = cmd->defs;
	code = rule_read(&p);
	if (code < 0) {
		ast_put(r);
		return err_set(e, code, "%s", err_text(&local));
	}
	*out = r;
	return 0;
}

int file_error(
	const struct nft_file *f, const struct file_cmd *cmd, struct err *e, int code, const char *fmt, ...)
{
	char msg[640];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return src_error_code(&f->sources.v[cmd->file]->src, cmd->pos, cmd->end, e, code, msg);
}

void file_shown(const struct nft_file *f, const struct file_cmd *cmd, size_t max, struct buf *out)
{
	const struct src *src = &f->sources.v[cmd->file]->src;
	uint32_t end = cmd->end - cmd->pos > max ? cmd->pos + (uint32_t)max : cmd->end;

	while (end > cmd->pos && ((unsigned char)src->text[end] & 0xc0) == 0x80)
		end--;
	text_squeeze(src->text + cmd->pos, end - cmd->pos, NULL, NULL, NULL, out);
	if (end < cmd->end)
		buf_puts(out, " …");
}
