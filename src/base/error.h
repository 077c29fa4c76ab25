/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * base/error.h - fills a struct hm_error: the third shape of functions, where an
 * administrator should read why.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>

#include <hermod/values.h>

/* Always false, so that one can `return error_set(why, ...)`. why may be NULL. */
bool error_set(struct hm_error *why, enum hm_error_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same with ": " and strerror(errno) behind the text. */
bool error_errno(struct hm_error *why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
