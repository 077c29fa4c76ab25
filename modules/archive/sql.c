/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * sql.c - the statements.  A page is two ranges of an index, of the account's entries as recipient
 * (or as the only owner) and as sender, merged; no more rows are read than the page has.
 */
#include "archive.h"

static const struct hm_column archive_columns[] = {
	{ "class", HM_V_INT },
	{ "owner", HM_V_INT },
	{ "id", HM_V_INT },
	{ "sender", HM_V_INT },
	{ "sender_id", HM_V_INT },
	{ "conversation", HM_V_INT },
	{ "sender_conversation", HM_V_INT },
	{ "flags", HM_V_INT },
	{ "bytes", HM_V_INT },
	{ "fingerprint", HM_V_INT },
	{ "addressee", HM_V_TEXT },
	{ "stanza", HM_V_TEXT },
};
static const struct hm_append archive_append = { .table = "archive",
	                                         .key = "owner, id, class",
	                                         .columns = archive_columns,
	                                         .n = HM_COUNT(archive_columns) };

/*
 * $1 account, $2 after this id, $3 before that id, $4 rows, $5 bytes.  Rows that begin beyond those
 * bytes come without their text.
 */
#define OWNED "id AS place, 0 AS side, flags, bytes, addressee, stanza FROM archive"
#define SENT "sender_id AS place, 1 AS side, flags, bytes, addressee, stanza FROM archive"
#define PAGE(owned, sent, order)                                                                   \
	"SELECT p.place, p.side, p.flags, p.addressee, CASE WHEN p.ahead < $5 THEN p.stanza END"   \
	" FROM (SELECT u.*, SUM(u.bytes) OVER (ORDER BY u.place" order ") - u.bytes AS ahead FROM" \
	" (SELECT * FROM (SELECT " OWNED " WHERE " owned                                           \
	" AND (flags & 2) = 0 AND id > $2 AND id < $3 ORDER BY id" order                           \
	" LIMIT $4) AS a UNION ALL"                                                                \
	" SELECT * FROM (SELECT " SENT " WHERE " sent " AND sender_id > $2 AND sender_id < $3"     \
	" AND id > $2 AND id < $3 + 3600000000 ORDER BY sender_id" order " LIMIT $4) AS b"         \
	" ORDER BY 1" order " LIMIT $4) AS u) AS p ORDER BY p.place" order
/* Also $6 conversation, $7 hash of a resource or 0, $8 full JID or ''. */
#define WITH_OWNED                                                                                 \
	"conversation = $6 AND owner = $1 AND (CAST($7 AS BIGINT) = 0 OR CASE WHEN (flags & 1) = 0 THEN flags / 256 * 256 = $7 ELSE addressee = $8 END)"
#define WITH_SENT                                                                                  \
	"sender_conversation = $6 AND sender = $1 AND (CAST($7 AS BIGINT) = 0 OR addressee = $8)"

/* $1 account, $2 ids: "1,2,3" */
#define LIST_SQLITE "IN (SELECT value FROM json_each('[' || $2 || ']'))"
#define LIST_POSTGRESQL "= ANY (string_to_array($2, ',')::BIGINT[])"
#define FIND_BY(list)                                                                              \
	"SELECT id FROM archive WHERE owner = $1 AND (flags & 2) = 0 AND id " list                 \
	" UNION ALL SELECT sender_id FROM archive WHERE sender = $1 AND sender_id " list
#define ROWS_BY(list)                                                                              \
	"SELECT p.place, p.side, p.flags, p.addressee, CASE WHEN p.ahead < $3 THEN p.stanza END"   \
	" FROM (SELECT u.*, SUM(u.bytes) OVER (ORDER BY u.place) - u.bytes AS ahead FROM"          \
	" (SELECT " OWNED " WHERE owner = $1 AND (flags & 2) = 0 AND id " list                     \
	" UNION ALL SELECT " SENT " WHERE sender = $1 AND sender_id " list                         \
	") AS u) AS p ORDER BY p.place"

/* $1 account, $2 not shown are entries below this id, $3 nor those from this one on */
#define END_OF(order)                                                                                            \
	"SELECT place FROM (SELECT * FROM (SELECT id AS place FROM archive WHERE owner = $1 AND (flags & 2) = 0" \
	" AND id >= $2 AND id < $3 ORDER BY id" order " LIMIT 1) AS a UNION ALL"                                 \
	" SELECT * FROM (SELECT sender_id FROM archive WHERE sender = $1 AND sender_id >= $2"                    \
	" AND sender_id < $3 AND id >= $2 ORDER BY sender_id" order                                              \
	" LIMIT 1) AS b ORDER BY 1" order " LIMIT 1) AS e"

/*
 * Rows of an account in numbers, $1 account, $2 below this id, $3 so many.  SQLite knows rows by
 * rowid, PostgreSQL by the place in their partition.
 */
#define SOME_OWNED(what, more)                                                                     \
	"(SELECT " what " FROM archive WHERE owner = $1 AND id < $2" more " LIMIT $3)"
#define SOME_SENT(what, more)                                                                      \
	"(SELECT " what " FROM archive WHERE sender = $1 AND sender_id < $2" more " LIMIT $3)"
#define IN_SQLITE(some, more) "rowid IN " some("rowid", more)
#define IN_POSTGRESQL(some, more) "(tableoid, ctid) IN " some("tableoid, ctid", more)
#define BOTH(before, some, more)                                                                   \
	{                                                                                          \
		before IN_SQLITE(some, more), before IN_POSTGRESQL(some, more)                     \
	}

const struct hm_sql archive_sql[STATEMENTS] = {
	[LOAD_ACCOUNT] = { "SELECT s.value, a.behaviour, a.keep_days, a.floor FROM secrets AS s"
	                   " LEFT JOIN archive_accounts AS a ON a.account = $1 WHERE s.name = 'archive'" },
	[LOAD_RULES] = { "SELECT jid, never FROM archive_rules WHERE account = $1" },
	[LOAD_WAITING] = { "SELECT COALESCE((SELECT delivered FROM archive_accounts WHERE account = $1), 0),"
	                   " COUNT(*), CAST(COALESCE(SUM(bytes), 0) AS BIGINT), COALESCE(MIN(id), 0),"
	                   " COALESCE(MAX(id), 0), COALESCE(MAX(CASE WHEN (flags & 2) <> 0 THEN id END), 0)"
	                   " FROM archive WHERE owner = $1 AND (flags & 1) = 0 AND id >"
	                   " COALESCE((SELECT delivered FROM archive_accounts WHERE account = $1), 0)" },
	/*
	 * The newest of what it sent: only what came shortly before a crash is of use. Of its own rows some are
	 * looked at, however few of them it sent.
	 */
	[LOAD_SENT] = { "SELECT id, fingerprint FROM (SELECT * FROM (SELECT sender_id AS id, 1 AS flags, fingerprint"
	                " FROM archive WHERE sender = $1 ORDER BY sender_id DESC LIMIT 128) AS a UNION ALL"
	                " SELECT * FROM (SELECT id, flags, fingerprint FROM archive WHERE owner = $1"
	                " ORDER BY id DESC LIMIT 128) AS b) AS u WHERE fingerprint <> 0 AND (flags & 17) <> 0" },
	[APPEND] = { .append = &archive_append },
	[PAGE_FORWARD] = { PAGE("owner = $1", "sender = $1", ""), .slow = true },
	[PAGE_BACKWARD] = { PAGE("owner = $1", "sender = $1", " DESC"), .slow = true },
	[WITH_FORWARD] = { PAGE(WITH_OWNED, WITH_SENT, ""), .slow = true },
	[WITH_BACKWARD] = { PAGE(WITH_OWNED, WITH_SENT, " DESC"), .slow = true },
	[FIND] = { FIND_BY(LIST_SQLITE), FIND_BY(LIST_POSTGRESQL), .slow = true },
	[BY_IDS] = { ROWS_BY(LIST_SQLITE), ROWS_BY(LIST_POSTGRESQL), .slow = true },
	[ENDS] = { "SELECT (" END_OF("") "), (" END_OF(" DESC") ")", .slow = true },
	/* $4: below this id only transient rows; $5 rows, $6 bytes */
	[WAITING_PAGE] = { "SELECT p.id, p.flags, p.bytes, p.addressee, CASE WHEN p.ahead < $6 THEN p.stanza END FROM"
	                   " (SELECT w.*, SUM(w.bytes) OVER (ORDER BY w.id) - w.bytes AS ahead FROM"
	                   " (SELECT id, flags, bytes, addressee, stanza FROM archive WHERE owner = $1"
	                   " AND id > $2 AND id <= $3 AND (flags & 1) = 0 AND (id >= $4 OR (flags & 2) <> 0)"
	                   " ORDER BY id LIMIT $5) AS w) AS p ORDER BY p.id",
	                   .slow = true },
	[DELIVERED] = { "INSERT INTO archive_accounts (account, delivered) VALUES ($1, $2)"
	                " ON CONFLICT (account) DO UPDATE SET delivered = excluded.delivered" },
	[TRANSIENT_GONE] = { "DELETE FROM archive WHERE owner = $1 AND id > $2 AND id <= $3"
	                     " AND (flags & 2) <> 0 AND sender IS NULL" },
	[PUT_BEHAVIOUR] = { "INSERT INTO archive_accounts (account, behaviour) VALUES ($1, $2)"
	                    " ON CONFLICT (account) DO UPDATE SET behaviour = excluded.behaviour" },
	[PUT_RULE] = { "INSERT INTO archive_rules (account, jid, never) VALUES ($1, $2, $3)" },
	[DELETE_RULES] = { "DELETE FROM archive_rules WHERE account = $1" },
	[PUT_KEEP] = { "INSERT INTO archive_accounts (account, keep_days) VALUES ($1, $2)"
	               " ON CONFLICT (account) DO UPDATE SET keep_days = excluded.keep_days" },
	[PUT_FLOOR] = { "INSERT INTO archive_accounts (account, floor) VALUES ($1, $2)"
	                " ON CONFLICT (account) DO UPDATE SET floor = excluded.floor" },
	/* $2: this many entries are newer than the one that is returned; only those from $3 on count */
	[NTH_NEWEST] = { "SELECT place FROM (SELECT * FROM (SELECT id AS place FROM archive WHERE owner = $1"
	                 " AND (flags & 2) = 0 AND id >= $3 ORDER BY id DESC LIMIT $2 + 1) AS a UNION ALL"
	                 " SELECT * FROM (SELECT sender_id FROM archive WHERE sender = $1 AND sender_id >= $3"
	                 " ORDER BY sender_id DESC LIMIT $2 + 1) AS b) AS u"
	                 " ORDER BY place DESC LIMIT 1 OFFSET $2",
	                 .slow = true },
	[STATS] = { "SELECT (SELECT COUNT(*) FROM archive WHERE owner = $1 AND (flags & 2) = 0 AND id >= $2)"
	            " + (SELECT COUNT(*) FROM archive WHERE sender = $1 AND sender_id >= $2),"
	            " CAST(COALESCE((SELECT SUM(bytes) FROM archive WHERE owner = $1 AND (flags & 2) = 0 AND id >= $2), 0)"
	            " + COALESCE((SELECT SUM(bytes) FROM archive WHERE sender = $1 AND sender_id >= $2), 0) AS BIGINT),"
	            " (SELECT COUNT(*) FROM archive WHERE owner = $1 AND (flags & 2) <> 0 AND sender IS NULL)",
	            .slow = true },
	/* $1: now. Nothing to be done in SQLite. */
	[MAINTAIN] = { "UPDATE archive_sweep SET until_us = 0 WHERE one = 0 AND until_us = $1",
	               "SELECT archive_maintain($1)" },
	/* $1 class, $2 below this id, $3 rows. PostgreSQL drops partitions instead. */
	[EXPIRE] = { "DELETE FROM archive WHERE rowid IN (SELECT rowid FROM archive WHERE class = $1 AND class < 4"
	             " AND id < $2 LIMIT $3)",
	             "UPDATE archive_sweep SET until_us = until_us WHERE one = 0 AND $1::BIGINT + $2::BIGINT + $3::BIGINT IS NULL" },
	[TAKE_TURN] = { "UPDATE archive_sweep SET until_us = $2 WHERE one = 1 AND until_us <= $1" },
	[NEXT_GONE] = { "SELECT account FROM archive_gone ORDER BY account LIMIT 1" },
	[GONE_DONE] = { "DELETE FROM archive_gone WHERE account = $1" },
	[ERASE_OWN] = BOTH("DELETE FROM archive WHERE ", SOME_OWNED, " AND sender IS NULL"),
	[ERASE_HAND_OVER] = BOTH(
		"UPDATE archive SET owner = sender, id = sender_id, conversation = sender_conversation,"
		" flags = CASE WHEN (flags & 8) <> 0 THEN 5 ELSE 1 END, sender = NULL, sender_id = NULL,"
		" sender_conversation = NULL WHERE ",
		SOME_OWNED, " AND sender IS NOT NULL"),
	[ERASE_SENT_TRANSIENT] = BOTH(
		"DELETE FROM archive WHERE ", SOME_SENT,
		" AND (flags & 2) <> 0 AND id <= (SELECT delivered FROM archive_accounts WHERE account = owner)"),
	[ERASE_SENT] = BOTH(
		"UPDATE archive SET sender = NULL, sender_id = NULL, sender_conversation = NULL WHERE ",
		SOME_SENT, ""),
	/* $1 account, $2 conversation: the text goes, the place stays (XEP-0313 3.2) */
	[ERASE_WITH] = { "UPDATE archive SET flags = flags | 4, stanza = CASE WHEN sender IS NULL OR (flags & 8) <> 0"
	                 " THEN '' ELSE stanza END WHERE conversation = $2 AND owner = $1 AND (flags & 4) = 0" },
	[ERASE_WITH_SENT] = { "UPDATE archive SET flags = flags | 8, stanza = CASE WHEN (flags & 4) <> 0"
	                      " THEN '' ELSE stanza END WHERE sender_conversation = $2 AND sender = $1 AND (flags & 8) = 0" },
};
