/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * base/buf.h - a growing run of bytes.  A zeroed struct is an empty buffer; it
 * holds no memory until something is appended.  data is NUL-terminated
 * whenever it is not NULL (the NUL is not counted in len).
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>

struct buf {
	char *data;
	size_t len, cap;
};

void buf_append(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_reserve(struct buf *b, size_t more); /* room for `more` bytes behind len */
void buf_consume(struct buf *b, size_t n);    /* drop n bytes from the front */
void buf_clear(struct buf *b);                /* len = 0, memory kept */
void buf_free(struct buf *b);                 /* memory given back, struct usable again */

#endif
