/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/command.c - the life of an admin command.  It may be touched by several workers (the asker's,
 * its account's, all of them for lists): the counters are atomic, everything else is written before it is posted.
 */
#include "core/command.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/here.h"
#include "core/served.h"
#include "core/turn.h"
#include "core/user.h"
#include "link/link.h"
#include "loop/worker.h"

#define TABLES_MAX 8

struct table_entry {
	const struct hm_command *v;
	size_t n;
};
static struct table_entry tables[TABLES_MAX];
static size_t n_tables;
void
command_add_table(const struct hm_command *table, size_t n)
{
	hm_assert(n_tables < TABLES_MAX);
	tables[n_tables++] = (struct table_entry){ table, n };
}

/* --- Life --------------------------------------------------------------------------------------------- */

void
command_hold(struct hm_cmd *cmd)
{
	atomic_fetch_add(&cmd->refs, 1);
}

static void
command_free(struct hm_cmd *cmd)
{
	for (unsigned i = 0; i < COMMAND_ARGS; i++)
		mem_free_secret(cmd->arg[i]);
	if (command_entity(cmd)) {
		command_entity(cmd)->pins--;
		entity_settle(command_entity(cmd));
	}
	mem_free(cmd->own);
	mem_free(cmd);
}

static void
free_mail(struct mail *mail)
{
	command_free(HM_CONTAINER(mail, struct hm_cmd, mail));
}

void
command_drop(struct hm_cmd *cmd)
{
	if (atomic_fetch_sub(&cmd->refs, 1) != 1)
		return;
	if (!atomic_load(&cmd->ended)) {
		log_line(&cmd->log, HM_ERROR, "command was not answered");
		hm_cmd_fail(cmd, HM_E_SYSTEM, "The command gave no answer.");
	}
	/* Its account is another worker's perhaps, and always one that may be in a turn just now. */
	cmd->mail.run = free_mail;
	worker_post(command_entity(cmd) ? link_home(command_entity(cmd)->address) : here->worker,
	            &cmd->mail);
}

void
command_let_go(struct hm_cmd *cmd)
{
	cmd->user->entity.pins--;
	cmd->user = NULL;
}

struct entity *
command_entity(const struct hm_cmd *cmd)
{
	if (cmd->entity)
		return served_entity(cmd->entity);
	return cmd->user ? &cmd->user->entity : NULL;
}

static void
run_in_turn(struct hm_cmd *cmd, void (*go)(struct hm_cmd *cmd, void *arg), void *arg)
{
	struct entity *e = command_entity(cmd);

	if (e)
		e->pins++;
	turn_begin(e, NULL);
	if (cmd->mod)
		doing(cmd->mod, cmd->command->name, e ? e->address : NULL);
	go(cmd, arg);
	done_doing();
	turn_flush();
	command_drop(cmd);
	if (e)
		e->pins--;
	turn_end();
}

void
command_resume(struct hm_cmd *cmd, void (*go)(struct hm_cmd *cmd, void *arg), void *arg)
{
	if (go) {
		run_in_turn(cmd, go, arg);
		return;
	}
	hm_cmd_fail(cmd, HM_E_DATABASE, "The database refused.");
	command_drop(cmd);
}

struct everywhere {
	struct mail mail;
	struct hm_cmd *cmd;
	unsigned home, next;
	void (*fn)(struct hm_cmd *cmd);
	void (*done)(struct hm_cmd *cmd);
};

static void
everywhere_mail(struct mail *mail)
{
	struct everywhere *e = HM_CONTAINER(mail, struct everywhere, mail);

	if (e->next <= workers_count() && e->next > 0 && e->next - 1 == here->worker && e->fn) {
		e->fn(e->cmd);
	}
	if (e->next == workers_count()) {
		e->next++;
		e->fn = NULL;
		worker_post(e->home, &e->mail);
	} else if (e->next > workers_count()) {
		e->done(e->cmd);
		command_drop(e->cmd);
		mem_free(e);
	} else {
		worker_post(e->next++, &e->mail);
	}
}

void
command_everywhere(struct hm_cmd *cmd, void (*fn)(struct hm_cmd *cmd),
                   void (*done)(struct hm_cmd *cmd))
{
	struct everywhere *e = mem_new(struct everywhere);

	command_hold(cmd);
	e->cmd = cmd;
	e->home = here->worker;
	e->fn = fn;
	e->done = done;
	e->mail.run = everywhere_mail;
	worker_post(e->next++, &e->mail);
}

/* --- Finding it -------------------------------------------------------------------------------------------- */

const struct hm_command *
command_next(size_t *pos, const char **module)
{
	size_t i = *pos;

	++*pos;
	*module = NULL;
	for (size_t t = 0; t < n_tables; t++) {
		if (i < tables[t].n)
			return &tables[t].v[i];
		i -= tables[t].n;
	}
	for (size_t m = 0; m < modules_count(); m++) {
		const struct module *module_ = module_at(m);

		if (!module_->has_tables)
			continue; /* loaded for its declaration only: no host runs it */
		if (i < module_->decl->commands.n) {
			*module = module_->name;
			return &module_->decl->commands.v[i];
		}
		i -= module_->decl->commands.n;
	}
	return NULL;
}

static const struct hm_command *
find(const char *name, const char **module)
{
	const struct hm_command *c;
	size_t pos = 0;

	while ((c = command_next(&pos, module))) {
		if (strcmp(c->name, name) == 0)
			return c;
	}
	return NULL;
}

/* The module's instance on the command's host, or on the first host that has it. */
static struct hm_mod *
instance(struct host *h, const char *module)
{
	for (size_t i = 0; i < hosts_count(); i++) {
		struct host *candidate = h ? h : host_at(i);

		for (unsigned k = 0; k < candidate->n_modules; k++) {
			if (strcmp(candidate->modules[k].module->name, module) == 0)
				return mods_of(candidate)[k];
		}
		if (h)
			return NULL;
	}
	return NULL;
}

/* --- Running it ------------------------------------------------------------------------------------------------------ */

static void
call_run(struct hm_cmd *cmd, void *arg)
{
	cmd->command->run(cmd->mod, cmd);
}

static void
account_there(struct waiter *w, struct entity *e, enum hm_cond why)
{
	struct hm_cmd *cmd = HM_CONTAINER(w, struct hm_cmd, waiter);

	if (!e) {
		hm_cmd_fail(cmd, why == HM_ITEM_NOT_FOUND ? HM_E_NOT_FOUND : HM_E_DATABASE,
		            why == HM_ITEM_NOT_FOUND ? "There is no such account."
		                                     : "The account cannot be loaded now.");
		command_drop(cmd);
		return;
	}
	cmd->user = user_of(e);
	e->pins++;
	run_in_turn(cmd, call_run, NULL);
}

static void
entity_there(struct waiter *w, struct entity *e, enum hm_cond why)
{
	struct hm_cmd *cmd = HM_CONTAINER(w, struct hm_cmd, waiter);
	struct hm_entity *served = e ? served_of(e) : NULL;

	if (!served || served_mod(served) != cmd->mod || !served_exists(served, NULL)) {
		hm_cmd_fail(cmd, e ? HM_E_NOT_FOUND : HM_E_DATABASE,
		            e ? "There is no such thing." : "It cannot be loaded now.");
		command_drop(cmd);
		if (e)
			entity_settle(e);
		return;
	}
	cmd->entity = served;
	e->pins++;
	run_in_turn(cmd, call_run, NULL);
}

static const char *
argument_of(const struct hm_cmd *cmd, enum hm_arg_type type)
{
	for (unsigned i = 0; i < COMMAND_ARGS; i++) {
		if (cmd->command->args[i].type == type && cmd->arg[i])
			return cmd->arg[i];
	}
	return NULL;
}

/* Where it runs: the address of its account or entity; NULL: anywhere. */
static const char *
place_of(const struct hm_cmd *cmd)
{
	const char *account = argument_of(cmd, HM_ARG_ACCOUNT);

	return account ? account : argument_of(cmd, HM_ARG_ENTITY);
}

static void
run_mail(struct mail *mail)
{
	struct hm_cmd *cmd = HM_CONTAINER(mail, struct hm_cmd, mail);
	const char *bare = argument_of(cmd, HM_ARG_ACCOUNT);
	const char *entity = argument_of(cmd, HM_ARG_ENTITY), *module;

	find(cmd->command->name, &module);
	if (module) {
		cmd->mod = instance(cmd->host, module);
		if (!cmd->mod) {
			hm_cmd_fail(cmd, HM_E_NOT_FOUND,
			            "The module of this command does not run on this host.");
			command_drop(cmd);
			return;
		}
	}
	if (bare) {
		cmd->waiter.go = account_there;
		user_wait(host_find(strchr(bare, '@') + 1), bare, &cmd->waiter);
	} else if (entity) {
		cmd->waiter.go = entity_there;
		served_wait(service_find(strchr(entity, '@') + 1), hm_tmp_local(entity),
		            &cmd->waiter);
	} else {
		run_in_turn(cmd, call_run, NULL);
	}
}

static const struct hm_command nothing = { .name = "?" };

struct hm_cmd *
command_run(uint64_t asker, const char *name, const struct command_value *v, size_t n)
{
	struct hm_cmd *cmd = mem_new(struct hm_cmd);
	const char *module, *bare;
	struct hm_error why = { 0 };

	list_init(&cmd->waiter.link);
	atomic_init(&cmd->refs, 1);
	cmd->asker = asker;
	cmd->asker_worker = here->worker;
	cmd->command = find(name, &module);
	cmd->log = (struct hm_logctx){
		.subject = "command",
		.n = 1,
		.field = { { "command", hm_value_text(cmd->command ? cmd->command->name : "?") } }
	};
	if (!cmd->command) {
		cmd->command = &nothing;
		hm_cmd_fail(cmd, (enum hm_error_code) - 1, "There is no such command.");
	} else if (!command_read_args(cmd, v, n, &why)) {
		hm_cmd_fail(cmd, why.code ? why.code : (enum hm_error_code) - 1, why.text);
	} else {
		log_line(&cmd->log, HM_INFO, "command");
		bare = place_of(cmd);
		command_hold(cmd); /* the asker's, until it has seen the end */
		cmd->mail.run = run_mail;
		worker_post(bare ? link_home(bare) : here->worker, &cmd->mail);
	}
	return cmd;
}

/* Lines are posted, so that none comes before the command itself has run. */
struct line_mail {
	struct mail mail;
	struct hm_cmd *cmd;
	char *line;
};

static void
run_line(struct mail *mail)
{
	struct line_mail *l = HM_CONTAINER(mail, struct line_mail, mail);

	if (l->cmd->line && !atomic_load(&l->cmd->ended))
		l->cmd->line(l->cmd, l->line);
	else
		command_line_done(l->cmd);
	mem_free_secret(l->line);
	command_drop(l->cmd);
	mem_free(l);
}

void
command_line(struct hm_cmd *cmd, const char *line)
{
	struct line_mail *l = mem_new(struct line_mail);

	command_hold(cmd);
	l->cmd = cmd;
	l->line = line ? mem_strdup(line) : NULL;
	l->mail.run = run_line;
	worker_post(here->worker, &l->mail);
}

struct cancel_mail {
	struct mail mail;
	struct hm_cmd *cmd;
};

static void
run_cancel(struct mail *mail)
{
	struct cancel_mail *c = HM_CONTAINER(mail, struct cancel_mail, mail);

	if (c->cmd->stop)
		c->cmd->stop(c->cmd);
	command_drop(c->cmd);
	mem_free(c);
}

void
command_cancel(struct hm_cmd *cmd)
{
	const char *bare = place_of(cmd);
	struct cancel_mail *c;

	atomic_store(&cmd->cancelled, true);
	if (!cmd->command->streams || atomic_load(&cmd->ended))
		return;
	hm_cmd_done(cmd);
	c = mem_new(struct cancel_mail);
	command_hold(cmd);
	c->cmd = cmd;
	c->mail.run = run_cancel;
	worker_post(bare ? link_home(bare) : here->worker, &c->mail);
}
