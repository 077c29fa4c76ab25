/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* base/error.c - fills a struct hm_error for functions of the third shape. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool
error_set(struct hm_error *why, enum hm_error_code code, const char *fmt, ...)
{
	va_list ap;

	if (!why)
		return false;
	why->code = code;
	va_start(ap, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	return false;
}

static enum hm_error_code
code_of(int err)
{
	switch (err) {
	case ENOENT:
	case ENOTDIR:
		return HM_E_NOT_FOUND;
	case EEXIST:
	case EADDRINUSE:
		return HM_E_EXISTS;
	case EACCES:
	case EPERM:
	case EROFS:
		return HM_E_DENIED;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOSPC:
	case EDQUOT:
		return HM_E_LIMIT;
	default:
		return HM_E_SYSTEM;
	}
}

bool
error_errno(struct hm_error *why, const char *fmt, ...)
{
	int err = errno; /* formatting may change it */
	va_list ap;
	size_t len;

	if (!why)
		return false;
	why->code = code_of(err);
	va_start(ap, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	len = strlen(why->text);
	/* strerror() is safe with threads in glibc from 2.32 and in musl. */
	snprintf(why->text + len, sizeof(why->text) - len, ": %s", strerror(err));
	errno = err;
	return false;
}
