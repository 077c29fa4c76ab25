/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* core/specs.c - what the core, with xmpp and xml below it, was written against. */
#include "core/core.h"

const struct hm_spec core_specs[] = {
	{ "RFC 6120", "", "Stanzas to and from other servers (10.4) are refused." },
	{ "RFC 6121", "", "Stanzas to and from contacts at other servers." },
	{ "RFC 7622", "", NULL },
};
const size_t core_specs_n = HM_COUNT(core_specs);
