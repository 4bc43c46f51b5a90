/* SPDX-License-Identifier: GPL-2.0-or-later */
/* read: one value of the tree into one field, with the place and the key's path in every problem. Private to
 * config/. */
#pragma once

#include "config/config.h"
#include "config/yaml.h"

/* The way to a value: a.b[3].c; lives on the C stack. */
struct at {
	const struct at *up;
	const char *key; /* NULL: index */
	uint32_t index;
};

struct reader {
	struct problems p;
	struct config *c;
	char *base; /* folder of the file, for relative names; absolute where it could be found */
};

typedef void read_fn(struct reader *r, const struct at *at, const struct ynode *n, void *into);

struct key {
	const char *name;
	read_fn *read;
	size_t off; /* of the field in what read_map() fills */
};

#define SHOWN "'%.64s'" /* a value in a message */

/* "FILE:LINE:COL: PATH: text" */
void wrong(struct reader *r, const struct at *at, const struct ynode *n, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* "… (value 'x')", with "; did you mean 'y'?" or what is allowed behind it. hint may be NULL. */
void wrong_value(
	struct reader *r, const struct at *at, const struct ynode *n, const char *what, const char *hint);
void note(struct reader *r, const struct at *at, unsigned line, unsigned col, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* A mapping with these keys only. into: the struct that the keys' offsets count from. Nothing counts as an
 * empty one. */
void read_map(struct reader *r, const struct at *at, const struct ynode *n, const struct key *keys,
	size_t n_keys, void *into);
/* fn for each item; a single value counts as a list of one where single says so. Nothing is an empty list. */
void read_list(
	struct reader *r, const struct at *at, const struct ynode *n, bool single, read_fn *fn, void *into);
/* NULL: the map has no such key. place: the key's. */
const struct ynode *map_value(const struct ynode *map, const char *key, const struct ykey **place);

/* The scalar's text, or NULL after a problem: a list, a mapping, nothing or an empty text is none. */
const char *scalar(struct reader *r, const struct at *at, const struct ynode *n, const char *want);
/* Index in the list, or -1 after a problem. */
int read_word(struct reader *r, const struct at *at, const struct ynode *n, const char *const *words,
	size_t n_words);
bool read_number(struct reader *r, const struct at *at, const struct ynode *n, uint64_t min, uint64_t max,
	uint64_t *out);

read_fn read_bool;    /* bool */
read_fn read_text;    /* char *: clean text; replaces what is there */
read_fn read_zone;    /* char * */
read_fn read_prefix;  /* struct ipprefix: the last of a vector's */
read_fn read_path;    /* char *: relative to the file's folder */
read_fn read_count32; /* uint32_t: at least 1; k and M stand for thousands and millions */
read_fn read_count64; /* uint64_t: the same */
read_fn read_bytes;   /* uint64_t: at least a mebibyte; K, M, G are binary */
read_fn read_ms;      /* uint64_t: milliseconds, at least 1 */
/* Values that only have to be right, in this version. into is not used. */
read_fn check_bool, check_text, check_prefix, check_address, check_destination, check_number, check_ifname,
	check_any;

char *path_from(const struct reader *r, const char *path);
bool ifname_valid(const char *s); /* or a glob over such names */
bool zone_valid(const char *s);
