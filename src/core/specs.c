/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* core/specs.c - what the core, with xmpp and xml below it, was written against. */
#include "core/core.h"

const struct hm_spec core_specs[] = {
	{ "RFC 6120", "", NULL },
	{ "RFC 6121", "", NULL },
	{ "RFC 7622", "", NULL },
	{ "XEP-0198", "1.6.3",
	  "After a crash no session can be resumed. A second <enable/> is answered and does not end the stream (3). Several "
	  "<r/> in a row may be answered by one <a/> (4). No location is named (5). What a client does with SASL2 and "
	  "Bind 2 (9). Streams of servers." },
};
const size_t core_specs_n = HM_COUNT(core_specs);
