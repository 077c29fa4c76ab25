/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/sm_store.h - sessions that outlive a planned restart: the rows of sm_sessions and sm_stanzas.
 */
#ifndef CORE_SM_STORE_H
#define CORE_SM_STORE_H

#include "core/session.h"
#include "store/store.h"

enum sm_statement {
	SM_SAVE_SESSION,
	SM_SAVE_STANZA,
	SM_LIST,
	SM_READ_SESSION,
	SM_READ_STANZAS,
	SM_REMOVE,
	SM_STATEMENTS
};
/* Columns of SM_READ_SESSION, arguments of SM_SAVE_SESSION. */
enum sm_column {
	SM_COL_ID,
	SM_COL_ACCOUNT,
	SM_COL_RESOURCE,
	SM_COL_HANDLED,
	SM_COL_SENT,
	SM_COL_MAX_MS,
	SM_COL_UNTIL_US,
	SM_COL_SINCE_US,
	SM_COL_PRESENCE,
	SM_COL_DIRECTED,
	SM_COL_LANG,
	SM_COL_SOURCE,
	SM_COL_TLS,
	SM_COL_MECHANISM,
	SM_COL_STATES,
	SM_COLS
};
/* The same of SM_READ_STANZAS and SM_SAVE_STANZA. */
enum { SM_COL_SESSION, SM_COL_SEQ, SM_COL_ARCHIVE, SM_COL_SENT_US, SM_COL_TO, SM_COL_STANZA };

void sm_register_statements(void);
struct store_call sm_call(enum sm_statement which, const struct hm_value *args, size_t n);

/* Of a hibernating session, before it is known to anybody: its modules' states. Inside a turn. */
const char *sm_states_xml(struct hm_session *s); /* scratch; NULL: none has one */
void sm_states_restore(struct hm_session *s, const char *xml);

#endif
