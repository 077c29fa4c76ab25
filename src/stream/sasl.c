/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/sasl.c - the server side of SASL by Cyrus libsasl2, bent so that it does only
 * what we want of it:
 *  - no file is read: no application name, and the plug-ins are libscram and libplain alone;
 *  - its one look-up is our auxprop plug-in, which hands over the verifier that the exchange brought along and
 *    never a password in clear (libscram would prefer that);
 *  - who may act for whom was decided before it is asked;
 *  - what it logs about a peer's mistakes goes to our debug log.
 */
#include "stream/sasl.h"

#include <pthread.h>
#include <sasl/prop.h>
#include <sasl/sasl.h>
#include <sasl/saslplug.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "crypto/hash.h"

#define SERVICE "xmpp" /* RFC 6120 6.6 */
#define AUXPROP_NAME "hermod"
/* The property under which libscram wants the verifier; the asterisk stands for "of the authentication identity". */
#define VERIFIER_PROPERTY "*authPassword"
/* Ours: libsasl2 passes unknown ids through, and that is how the plug-in finds the exchange. */
#define CALLBACK_EXCHANGE 0x20001

typedef int any_callback_fn(void);
/* libsasl2 keeps every callback as this type and calls it as what its id says. */
#define CALLBACK(fn) ((any_callback_fn *)(void (*)(void))(fn))

struct exchange {
	sasl_conn_t *conn;
	const struct mechanism *mechanism;
	char *verifier; /* a secret */
	struct channel_binding binding;
	sasl_channel_binding_t cb; /* libsasl2 keeps the pointer */
	sasl_callback_t callbacks[4];
};

static const struct hm_logctx log_sasl = { .subject = "sasl" };

/* --- For the library as a whole -------------------------------------------------- */

static int
get_option(void *ctx, const char *plugin, const char *option, const char **result, unsigned *len)
{
	static const struct {
		const char *name, *value;
	} options[] = {
		{ "auxprop_plugin", AUXPROP_NAME },
		/* Never asked in vain: without userPassword it fails silently, "none" would log an error each time. */
		{ "pwcheck_method", "auxprop" },
		{ "auto_transition", "no" },
		/* In our order; what is offered is written by features.c. */
		{ "mech_list", "SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1 PLAIN" },
		{ "log_level", "1" },
	};

	for (unsigned i = 0; i < HM_COUNT(options); i++) {
		if (strcmp(options[i].name, option) != 0)
			continue;
		*result = options[i].value;
		if (len)
			*len = (unsigned)strlen(options[i].value);
		return SASL_OK;
	}
	return SASL_FAIL;
}

static int
log_message(void *ctx, int level, const char *message)
{
	/* SASL_LOG_PASS and above show secrets; log_level keeps them away, and so does this. */
	if (message && level <= SASL_LOG_DEBUG)
		log_line(&log_sasl, HM_DEBUG, "libsasl2", hm_kv("text", message));
	return SASL_OK;
}

/* Is it this plug-in, with or without a version behind ".so"? */
static bool
is_plugin(const char *file, const char *name)
{
	const char *slash = strrchr(file, '/');

	return strncmp(slash ? slash + 1 : file, name, strlen(name)) == 0;
}

static int
verify_file(void *ctx, const char *file, sasl_verify_type_t type)
{
	if (type == SASL_VRFY_PLUGIN &&
	    (is_plugin(file, "libscram.so") || is_plugin(file, "libplain.so")))
		return SASL_OK;
	return SASL_CONTINUE; /* leave this one out */
}

/* --- Our look-up plug-in ---------------------------------------------------------- */

static int
exchange_marker(void)
{
	return SASL_FAIL; /* only its place in the callbacks matters */
}

static struct exchange *
find_exchange(const sasl_utils_t *utils)
{
	sasl_callback_ft fn = NULL;
	void *ctx = NULL;

	if (utils->getcallback(utils->conn, CALLBACK_EXCHANGE, &fn, &ctx) != SASL_OK)
		return NULL;
	return ctx;
}

static int
look_up(void *glob, sasl_server_params_t *params, unsigned flags, const char *user, unsigned len)
{
	struct exchange *e = find_exchange(params->utils);
	const struct propval *wanted;

	if (!e)
		return SASL_NOUSER;
	if (flags & SASL_AUXPROP_AUTHZID)
		return SASL_OK;
	wanted = params->utils->prop_get(params->propctx);
	for (; wanted && wanted->name && e->verifier; wanted++) {
		if (strcmp(wanted->name, VERIFIER_PROPERTY) != 0 || wanted->values)
			continue;
		if (params->utils->prop_set(params->propctx, VERIFIER_PROPERTY, e->verifier, -1) !=
		    SASL_OK)
			return SASL_NOMEM;
		return SASL_OK;
	}
	return SASL_OK;
}

static int
plug_in(const sasl_utils_t *utils, int max_version, int *version, sasl_auxprop_plug_t **plug,
        const char *name)
{
	static char plug_name[] = AUXPROP_NAME;
	static sasl_auxprop_plug_t ours = { .auxprop_lookup = look_up, .name = plug_name };

	*version = SASL_AUXPROP_PLUG_VERSION;
	*plug = &ours;
	return SASL_OK;
}

/* --- Locks ---------------------------------------------------------------------------- */

static void *
lock_new(void)
{
	pthread_mutex_t *lock = mem_new(pthread_mutex_t);

	pthread_mutex_init(lock, NULL);
	return lock;
}

static int
lock_take(void *lock)
{
	return pthread_mutex_lock(lock) == 0 ? SASL_OK : SASL_FAIL;
}

static int
lock_give(void *lock)
{
	return pthread_mutex_unlock(lock) == 0 ? SASL_OK : SASL_FAIL;
}

static void
lock_free(void *lock)
{
	pthread_mutex_destroy(lock);
	mem_free(lock);
}

/* --- Init --------------------------------------------------------------------------- */

static const sasl_callback_t library_callbacks[] = {
	{ SASL_CB_GETOPT, CALLBACK(get_option), NULL },
	{ SASL_CB_LOG, CALLBACK(log_message), NULL },
	{ SASL_CB_VERIFYFILE, CALLBACK(verify_file), NULL },
	{ SASL_CB_LIST_END, NULL, NULL },
};

static bool
has_mechanism(const char *name)
{
	const char **list = sasl_global_listmech();

	for (; list && *list; list++) {
		if (strcmp(*list, name) == 0)
			return true;
	}
	return false;
}

bool
sasl_library_init(struct hm_error *why)
{
	int result;

	/* Which code is loaded is not for the environment to say. */
	unsetenv("SASL_PATH");
	/* Before all else, or it is ignored. */
	sasl_set_mutex(lock_new, lock_take, lock_give, lock_free);
	result = sasl_auxprop_add_plugin(AUXPROP_NAME, plug_in);
	if (result == SASL_OK)
		result = sasl_server_init(library_callbacks, NULL);
	if (result != SASL_OK)
		return error_set(why, HM_E_SYSTEM, "libsasl2 does not start: %s",
		                 sasl_errstring(result, NULL, NULL));
	for (unsigned i = 0; i < MECHANISMS; i++) {
		if (!mechanisms[i].plus && !has_mechanism(mechanisms[i].name))
			return error_set(
				why, HM_E_SYSTEM,
				"libsasl2 has no plug-in for %s; on Debian it is in the package libsasl2-modules",
				mechanisms[i].name);
	}
	return true;
}

void
sasl_library_free(void)
{
	sasl_server_done();
}

/* --- One exchange --------------------------------------------------------------------- */

/* The authorization identity was compared with the authentication identity before. */
static int
proxy_policy(sasl_conn_t *conn, void *ctx, const char *requested, unsigned requested_len,
             const char *authenticated, unsigned authenticated_len, const char *realm,
             unsigned realm_len, struct propctx *props)
{
	return SASL_OK;
}

/* An exchange of PLAIN is made only when the sum over the password came out right. */
static int
check_password(sasl_conn_t *conn, void *ctx, const char *user, const char *password, unsigned len,
               struct propctx *props)
{
	return SASL_OK;
}

struct exchange *
exchange_new(const struct mechanism *m, const char *domain, const char *verifier,
             const struct channel_binding *binding)
{
	struct exchange *e = mem_new(struct exchange);
	sasl_callback_t *next = e->callbacks;

	e->mechanism = m;
	e->verifier = verifier ? mem_strdup(verifier) : NULL;
	*next++ = (sasl_callback_t){ CALLBACK_EXCHANGE, CALLBACK(exchange_marker), e };
	*next++ = (sasl_callback_t){ SASL_CB_PROXY_POLICY, CALLBACK(proxy_policy), NULL };
	if (m->plain)
		*next++ = (sasl_callback_t){ SASL_CB_SERVER_USERDB_CHECKPASS,
			                     CALLBACK(check_password), NULL };
	*next = (sasl_callback_t){ SASL_CB_LIST_END, NULL, NULL };
	/* No realm: it would be put behind the name. */
	if (sasl_server_new(SERVICE, domain, NULL, NULL, NULL, e->callbacks, SASL_SUCCESS_DATA,
	                    &e->conn) != SASL_OK) {
		exchange_free(&e);
		return NULL;
	}
	/*
	 * Also for the variants without -PLUS: only so does a "y" in the client's first message show that somebody
	 * took them out of the offer (RFC 5802 6).
	 */
	if (binding->type && !m->plain) {
		e->binding = *binding;
		e->cb = (sasl_channel_binding_t){ .name = e->binding.type,
			                          .len = e->binding.len,
			                          .data = e->binding.data };
		sasl_setprop(e->conn, SASL_CHANNEL_BINDING, &e->cb);
	}
	return e;
}

void
exchange_free(struct exchange **ep)
{
	struct exchange *e = *ep;

	*ep = NULL;
	if (!e)
		return;
	if (e->conn)
		sasl_dispose(&e->conn);
	mem_free_secret(e->verifier);
	mem_free(e);
}

static enum exchange_result
result_of(int code)
{
	switch (code) {
	case SASL_OK:
		return EXCHANGE_DONE;
	case SASL_CONTINUE:
		return EXCHANGE_MORE;
	case SASL_NOMEM:
	case SASL_FAIL:
	case SASL_TRYAGAIN:
	case SASL_UNAVAIL:
	case SASL_NOMECH:
		return EXCHANGE_UNAVAILABLE;
	default:
		return EXCHANGE_REFUSED;
	}
}

enum exchange_result
exchange_start(struct exchange *e, struct exchange_input in, struct exchange_input *out)
{
	const char *data = NULL;
	unsigned len = 0;
	int code = sasl_server_start(e->conn, e->mechanism->name, in.data, (unsigned)in.len, &data,
	                             &len);

	*out = (struct exchange_input){ data, len };
	/* A first message that libsasl2 does not understand; later ones are wrong proofs at best. */
	return code == SASL_BADPROT ? EXCHANGE_MALFORMED : result_of(code);
}

enum exchange_result
exchange_step(struct exchange *e, struct exchange_input in, struct exchange_input *out)
{
	const char *data = NULL;
	unsigned len = 0;
	int code = sasl_server_step(e->conn, in.data, (unsigned)in.len, &data, &len);

	*out = (struct exchange_input){ data, len };
	return result_of(code);
}
