/* SPDX-License-Identifier: GPL-2.0-or-later */
/* yaml: bytes → a bounded tree in which every value and key knows its place. Private to config/. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/vec.h"

#define YAML_FILE_MAX  (4u << 20)
#define YAML_NODES_MAX 100000u /* after aliases are expanded */
#define YAML_DEPTH_MAX 32u
#define YAML_TEXT_MAX  (16u << 20) /* bytes of all scalars, after aliases are expanded */
#define PROBLEMS_MAX   100u

/* Problems of one file, told in its order, up to PROBLEMS_MAX. */
struct problem {
	unsigned line, col; /* 0: of the whole file */
	unsigned seq;
	char *text;
};
struct problems {
	const char *file;
	VEC(struct problem) list;
	unsigned n; /* with those beyond the limit */
};
void problem_at(struct problems *p, unsigned line, unsigned col, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* For problems that have no place in the file. */
void problem(struct problems *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* 0, or -EINVAL with all the text in e; empties p. */
struct err;
int problems_end(struct problems *p, struct err *e);

enum ykind { Y_SCALAR, Y_LIST, Y_MAP };
struct ykey {
	char *name;
	unsigned line, col;
	bool repeated; /* an earlier key of the same map has this name */
};
struct ynode {
	enum ykind kind;
	unsigned line, col;
	bool plain; /* scalar without quotes, so its type is a guess from its text */
	char *text; /* scalar; no NUL inside */
	struct ynode *items;
	struct ykey *keys; /* map: n of them */
	uint32_t n, cap;
};

/* The document of data, NULL when it is empty. False: p has what is wrong (syntax, limits, tags, a second
 * document). */
bool yaml_tree(const char *data, size_t len, struct problems *p, struct ynode **out);
void ynode_free(struct ynode *n); /* with itself */
bool ynode_is_null(const struct ynode *n);
const char *ynode_kind(const struct ynode *n); /* "a list", for messages */
