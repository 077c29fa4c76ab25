/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * hermod/conf.h - configuration keys as a table: what a block of the
 * configuration file may hold, and where each value goes in a C struct.
 *
 * One grammar: defaults and bounds are written as they would be in the file.
 * One table form, for the server and for its modules; from it come the checks,
 * `hermodctl config show` and the lists of the manual page.
 */
#ifndef HM_CONF_H
#define HM_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum hm_conf_type { HM_BOOL, HM_INT, HM_SIZE, HM_DURATION, HM_STRING, HM_CHOICE, HM_LIST };

/* The value of a LIST: v[0..n-1], in the order of the file; v may be NULL when n is 0. */
struct hm_conf_list {
	const char *const *v;
	size_t n;
};

#define HM_C_BOOL bool                /* yes no on off true false */
#define HM_C_INT int64_t              /* 42, -1 */
#define HM_C_SIZE size_t              /* bytes: 4096, 64 KiB, 64k */
#define HM_C_DURATION uint32_t        /* milliseconds: 30 s, 500ms, 2 h; at most 49 d */
#define HM_C_STRING const char *      /* NULL when neither the file nor .def gives one */
#define HM_C_CHOICE int               /* index in .choices */
#define HM_C_LIST struct hm_conf_list /* [ one "and another" ], or a single value */

/* What the word "unlimited" becomes; see .max. */
#define HM_UNLIMITED_INT INT64_MAX
#define HM_UNLIMITED_SIZE SIZE_MAX
#define HM_UNLIMITED_DURATION UINT32_MAX

struct hm_conf_key {
	const char *name;
	enum hm_conf_type type;
	size_t offset;   /* of the field in the struct that is filled */
	const char *def; /* as written in the file; NULL: zero, NULL or an empty list */
	/*
	 * Bounds, both inclusive, as written in the file; NULL: unbounded.  Of a
	 * STRING they bound its bytes, of a LIST its entries.  The max "unlimited"
	 * lets the file say "unlimited" too.
	 */
	const char *min, *max;
	/* NULL-terminated; of a CHOICE, or what the entries of a LIST may be. */
	const char *const *choices;
	/* Of a STRING, or of each entry of a LIST: is it one?  And what it must be: "a URI". */
	bool (*valid)(const char *text);
	const char *what;
	const char *doc; /* one sentence for the manual page */
	bool restart;    /* a new value counts after a restart, not after a reload */
	bool required;   /* the file must set it */
	bool secret;     /* never shown: neither in `config show` nor in a message */
};

/* clang-format off */
/*
 * An entry for the key called like the field, e.g.
 *     HM_KEY(struct private_config, max_size, SIZE, "64 KiB", .max = "1 MiB", .doc = "...")
 * The field's C type must be the one of the key's type, or this does not compile.
 */
#define HM_KEY(struct_, field, type_, def_, ...) HM_KEY_AS(#field, struct_, field, type_, def_, ##__VA_ARGS__)

/* The same with a name of its own, for fields of inner structs and names that C reserves. */
#define HM_KEY_AS(name_, struct_, field, type_, def_, ...) \
	{ .name = (name_), .type = HM_##type_, \
	  .offset = offsetof(struct_, field) + _Generic(((struct_ *)0)->field, HM_C_##type_: 0), \
	  .def = (def_), ##__VA_ARGS__ }
/* clang-format on */

#endif
