/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * loop/doing.c - the record of what each worker is doing.  Its owner writes it,
 * anybody reads it: a copy can be torn between two callbacks, which is good
 * enough for people, but it never reads memory that is gone.
 */
#include <string.h>

#include "base/clock.h"
#include "loop/worker_state.h"

static void
set_address(struct doing *d, const char *address)
{
	size_t len = address ? strnlen(address, ADDRESS_WORDS * sizeof(uint64_t) - 1) : 0;

	/* Whole words up to the one that holds the NUL; what is behind it does not matter. */
	for (size_t i = 0; i * sizeof(uint64_t) <= len; i++) {
		uint64_t word = 0;
		size_t at = i * sizeof(word);

		if (at < len)
			memcpy(&word, address + at,
			       len - at < sizeof(word) ? len - at : sizeof(word));
		atomic_store_explicit(&d->address[i], word, memory_order_relaxed);
	}
}

void
worker_doing(const char *module, const char *event, const char *address)
{
	struct doing *d = &worker_here()->doing;

	atomic_store_explicit(&d->module, module, memory_order_relaxed);
	atomic_store_explicit(&d->event, event, memory_order_relaxed);
	set_address(d, address);
}

static void
copy_text(char *out, size_t size, const char *text)
{
	size_t len = text ? strnlen(text, size - 1) : 0;

	if (len)
		memcpy(out, text, len);
	out[len] = '\0';
}

void
doing_read(const struct worker *who, struct worker_view *out)
{
	const struct doing *d = &who->doing;
	uint64_t address[ADDRESS_WORDS];

	copy_text(out->module, sizeof(out->module),
	          atomic_load_explicit(&d->module, memory_order_relaxed));
	copy_text(out->event, sizeof(out->event),
	          atomic_load_explicit(&d->event, memory_order_relaxed));
	for (size_t i = 0; i < ADDRESS_WORDS; i++)
		address[i] = atomic_load_explicit(&d->address[i], memory_order_relaxed);
	memcpy(out->address, address, sizeof(out->address));
	out->address[sizeof(out->address) - 1] = '\0';
	out->turns = atomic_load_explicit(&who->turns, memory_order_relaxed);
	out->mails = atomic_load_explicit(&who->mails_run, memory_order_relaxed);
}
