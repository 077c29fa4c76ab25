/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/commands_account.c - `account add|remove|list|passwd|import`.
 */
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/mem.h"
#include "core/accounts.h"
#include "core/command.h"
#include "core/here.h"
#include "crypto/hash.h"
#include "loop/worker.h"
#include "xmpp/jid.h"

#define LIST_PAGE 500

static const char *
sentence(enum hm_account_result result)
{
	switch (result) {
	case HM_ACCOUNT_EXISTS:
		return "The account exists already.";
	case HM_ACCOUNT_NOT_FOUND:
		return "There is no such account.";
	case HM_ACCOUNT_BAD_NAME:
		return "This name is not allowed (RFC 7622 3.3).";
	case HM_ACCOUNT_BAD_PASSWORD:
		return "This password or verifier is not allowed (RFC 8265 4.2).";
	default:
		return "It could not be done now; try again.";
	}
}

static enum hm_error_code
code_of(enum hm_account_result result)
{
	switch (result) {
	case HM_ACCOUNT_EXISTS:
		return HM_E_EXISTS;
	case HM_ACCOUNT_NOT_FOUND:
		return HM_E_NOT_FOUND;
	case HM_ACCOUNT_BAD_NAME:
	case HM_ACCOUNT_BAD_PASSWORD:
		return HM_E_INVALID;
	default:
		return HM_E_DATABASE;
	}
}

static void
account_done(void *ctx, enum hm_account_result result)
{
	struct hm_cmd *cmd = ctx;

	if (result == HM_ACCOUNT_OK)
		hm_cmd_done(cmd);
	else
		hm_cmd_fail(cmd, code_of(result), sentence(result));
	command_drop(cmd);
}

/* The localpart of argument 0, which is an address on one of our hosts; NULL: failed already. */
static const char *
local_of(struct hm_cmd *cmd)
{
	const char *jid = hm_cmd_text(cmd, 0), *at = strchr(jid, '@');

	if (!at || strchr(jid, '/')) {
		hm_cmd_fail(cmd, HM_E_INVALID, "An account has the form name@host.");
		return NULL;
	}
	if (!host_find(at + 1)) {
		hm_cmd_fail(cmd, HM_E_NOT_FOUND, "This host is not served here.");
		return NULL;
	}
	return hm_tmp_local(jid);
}

static void
account_add(struct hm_mod *m, struct hm_cmd *cmd)
{
	const char *local = local_of(cmd);
	struct account_credentials with = { .password = hm_cmd_text(cmd, 1) };

	if (!local)
		return;
	command_hold(cmd);
	account_create(cmd->host, local, &with, account_done, cmd);
}

static void
account_passwd(struct hm_mod *m, struct hm_cmd *cmd)
{
	const char *local = local_of(cmd);
	struct account_credentials with = { .password = hm_cmd_text(cmd, 1) };

	if (!local)
		return;
	command_hold(cmd);
	account_set_password(cmd->host, local, &with, 0, account_done, cmd);
}

static void
account_delete(struct hm_mod *m, struct hm_cmd *cmd)
{
	const char *local = local_of(cmd);

	if (!local)
		return;
	command_hold(cmd);
	account_remove(cmd->host, local, account_done, cmd);
}

/* --- list: page by page, host by host ----------------------------------------------------------- */

struct listing {
	struct hm_cmd *cmd;
	size_t host;
	bool all;
	char *after;
};

static void list_page(struct listing *l);

static void
list_end(struct listing *l)
{
	command_drop(l->cmd);
	mem_free(l->after);
	mem_free(l);
}

static void
listed(void *ctx, enum store_outcome outcome, struct store_rows *const *rows, size_t n)
{
	struct listing *l = ctx;
	struct host *h = host_at(l->host);
	size_t count = outcome == STORE_OK ? store_count(rows[0]) : 0;

	if (outcome != STORE_OK || atomic_load(&l->cmd->cancelled)) {
		hm_cmd_fail(l->cmd, HM_E_DATABASE, "The list could not be read.");
		list_end(l);
		return;
	}
	while (store_next(rows[0])) {
		char *jid = mem_printf("%s@%s", store_text(rows[0], 0), h->domain),
		     stamp[CLOCK_STAMP_MAX];

		hm_cmd_row(l->cmd, hm_kv("jid", jid),
		           hm_kv("created", clock_stamp(store_int(rows[0], 1), 0, stamp)));
		mem_free(jid);
		mem_free(l->after);
		l->after = mem_strdup(store_text(rows[0], 0));
	}
	if (count < LIST_PAGE && (!l->all || ++l->host == hosts_count())) {
		hm_cmd_done(l->cmd);
		list_end(l);
		return;
	}
	if (count < LIST_PAGE)
		l->after[0] = '\0';
	list_page(l);
}

static void
list_page(struct listing *l)
{
	accounts_list(host_at(l->host)->domain, l->after, LIST_PAGE, listed, l);
}

static void
account_list(struct hm_mod *m, struct hm_cmd *cmd)
{
	struct listing *l = mem_new(struct listing);

	command_hold(cmd);
	l->cmd = cmd;
	l->all = !cmd->host;
	l->host = cmd->host ? cmd->host->index : 0;
	l->after = mem_strdup("");
	list_page(l);
}

/* --- import: lines of CSV or JSON ------------------------------------------------------------------- */

/*
 * CSV: jid,password  or  jid,,verifier[,verifier...] ; JSON: {"jid":"...","password":"..."} or with
 * "scram_sha_1", "scram_sha_256", "scram_sha_512".  Lines that fail are reported by number; the others count.
 */
struct import {
	uint64_t lines, open, added, failed;
	bool ended;
};

struct import_line {
	struct hm_cmd *cmd;
	uint64_t number;
};

static void
import_settle(struct hm_cmd *cmd)
{
	struct import *im = cmd->own;
	char *text;

	if (!im->ended || im->open > 0)
		return;
	text = mem_printf("%llu accounts added, %llu lines refused.", (unsigned long long)im->added,
	                  (unsigned long long)im->failed);
	if (im->failed > 0 && im->added == 0)
		hm_cmd_fail(cmd, HM_E_INVALID, text);
	else
		command_done_text(cmd, text);
	mem_free(text);
	command_drop(cmd);
}

static void
import_refused(struct hm_cmd *cmd, uint64_t number, const char *why)
{
	struct import *im = cmd->own;

	im->failed++;
	hm_cmd_row(cmd, hm_kv("line", number), hm_kv("error", why));
}

static void
import_done(void *ctx, enum hm_account_result result)
{
	struct import_line *line = ctx;
	struct hm_cmd *cmd = line->cmd;
	struct import *im = cmd->own;

	if (result == HM_ACCOUNT_OK)
		im->added++;
	else
		import_refused(cmd, line->number, sentence(result));
	im->open--;
	mem_free(line);
	command_line_done(cmd);
	import_settle(cmd);
}

/* One field of CSV (RFC 4180 quoting) out of *at, in place; NULL: no more. */
static char *
csv_field(char **at)
{
	char *start = *at, *to, *from;

	if (!start)
		return NULL;
	if (*start != '"') {
		char *comma = strchr(start, ',');

		if (comma)
			*comma++ = '\0';
		*at = comma;
		return start;
	}
	for (to = from = start + 1; *from; from++) {
		if (*from == '"' && from[1] == '"')
			from++;
		else if (*from == '"')
			break;
		*to++ = *from;
	}
	*at = *from == '"' && from[1] == ',' ? from + 2 : NULL;
	*to = '\0';
	return start;
}

static void
add_verifier(struct account_credentials *with, const char *text)
{
	for (unsigned i = 0; i < CRYPTO_HASHES; i++) {
		size_t len = strlen(crypto_hash_name((enum crypto_hash)i));

		if (strncmp(text, "SCRAM-", 6) == 0 &&
		    strncmp(text + 6, crypto_hash_name((enum crypto_hash)i), len) == 0 &&
		    text[6 + len] == '$')
			with->verifier[i] = text;
	}
}

static bool
read_csv(char *text, const char **jid, struct account_credentials *with)
{
	char *at = text, *field;

	*jid = csv_field(&at);
	field = csv_field(&at);
	if (field && *field)
		with->password = field;
	while ((field = csv_field(&at)))
		add_verifier(with, field);
	return *jid && **jid;
}

/* The strings stay alive as long as *object. */
static bool
read_json(const char *text, json_t **object, const char **jid, struct account_credentials *with)
{
	static const char *const verifiers[] = { "scram_sha_1", "scram_sha_256", "scram_sha_512" };

	*object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	*jid = json_string_value(json_object_get(*object, "jid"));
	with->password = json_string_value(json_object_get(*object, "password"));
	for (unsigned i = 0; i < CRYPTO_HASHES; i++)
		with->verifier[i] = json_string_value(json_object_get(*object, verifiers[i]));
	return *jid;
}

static bool
has_credentials(const struct account_credentials *with)
{
	return with->password || with->verifier[0] || with->verifier[1] || with->verifier[2];
}

static void
import_line(struct hm_cmd *cmd, const char *text)
{
	struct import *im = cmd->own;
	struct account_credentials with = { 0 };
	const char *jid_text, *why = NULL;
	struct import_line *line;
	struct jid jid;
	struct host *h = NULL;
	json_t *object = NULL;
	char *copy;

	if (!text) {
		im->ended = true;
		import_settle(cmd);
		return;
	}
	im->lines++;
	if (*text == '\0' || *text == '#') {
		command_line_done(cmd);
		return;
	}
	copy = mem_strdup(text);
	if (!(*copy == '{' ? read_json(copy, &object, &jid_text, &with)
	                   : read_csv(copy, &jid_text, &with)))
		why = "This is neither CSV (jid,password) nor JSON.";
	else if (!jid_parse(&jid, jid_text, worker_scratch()) || !jid.local || jid.resource)
		why = "This is not the address of an account.";
	else if (!(h = host_find(jid.domain)))
		why = "This host is not served here.";
	else if (!has_credentials(&with))
		why = "There is neither a password nor a verifier.";
	if (why) {
		import_refused(cmd, im->lines, why);
		command_line_done(cmd);
	} else {
		line = mem_new(struct import_line);
		line->cmd = cmd;
		line->number = im->lines;
		im->open++;
		account_create(h, jid.local, &with, import_done, line);
	}
	json_decref(object);
	crypto_wipe(copy, strlen(text));
	mem_free(copy);
}

static void
account_import(struct hm_mod *m, struct hm_cmd *cmd)
{
	command_hold(cmd);
	cmd->own = mem_new(struct import);
	cmd->line = import_line;
}

const struct hm_command account_commands[] = {
	{ .name = "account add",
	  .help = "Create an account.",
	  .args = { { "jid", HM_ARG_JID }, { "password", HM_ARG_SECRET } },
	  .run = account_add },
	{ .name = "account remove",
	  .help = "Delete an account with all that it stored; its sessions end.",
	  .args = { { "jid", HM_ARG_JID } },
	  .run = account_delete },
	{ .name = "account list",
	  .help = "List accounts.",
	  .args = { { "host", HM_ARG_HOST, .optional = true } },
	  .run = account_list },
	{ .name = "account passwd",
	  .help = "Set an account's password; its sessions end.",
	  .args = { { "jid", HM_ARG_JID }, { "password", HM_ARG_SECRET } },
	  .run = account_passwd },
	{ .name = "account import",
	  .help = "Create many accounts from lines of CSV (jid,password or jid,,verifiers) or JSON.",
	  .args = { { "file", HM_ARG_LINES } },
	  .run = account_import },
};
const size_t account_commands_n = HM_COUNT(account_commands);
