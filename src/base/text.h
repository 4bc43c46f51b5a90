/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small text helpers shared by parsers and messages. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The candidate nearest to word (case-insensitive, Damerau-Levenshtein ≤ a third of its length, at least 1),
 * never word itself, or NULL. next(ctx, i) gives candidate i, NULL at the end. */
const char *suggest(const char *word, const char *(*next)(void *ctx, size_t i), void *ctx);
const char *suggest_in(const char *word, const char *const *list, size_t n);

/* Shell-like match with * and ? only (no classes), whole string. Linear in practice: no exponential
 * backtracking. */
bool glob_match(const char *pattern, const char *s);
bool glob_is(const char *s); /* has * or ? */

/* "90", "1h30m", "2d", "500ms", "1w" → milliseconds. false: not a duration or over 2^63. */
bool duration_parse(const char *s, uint64_t *ms);
/* As nft prints it: "1h30m", "45s", "500ms". */
const char *duration_format(uint64_t ms, char out[48]);

bool parse_u64(const char *s, uint64_t max, uint64_t *out); /* decimal or 0x hex, whole string */
/* Bytes of the UTF-8 character that s begins with (n > 0); 0: it begins with none. */
unsigned utf8_seq(const char *s, size_t n);
/* printable UTF-8 without control bytes, non-empty */
bool text_is_clean(const char *s, size_t n);
