/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/plain.c - the password of PLAIN against the verifiers of SCRAM.  That takes
 * milliseconds of hashing, so it is done in the pool, for unknown users as for known ones.
 */
#include <string.h>

#include "base/mem.h"
#include "crypto/hash.h"
#include "crypto/scram.h"
#include "loop/offload.h"
#include "stream/login.h"
#include "stream/sasl_first.h"
#include "xmpp/jid.h"

/* A job of its own: the stream may go meanwhile. */
struct plain_job {
	struct offload offload;
	uint64_t stream;
	char *password; /* prepared by RFC 8265 4.2; NULL: it can be nobody's */
	char *verifier[LINK_HASHES];
	bool right;
};

static void
job_free(struct plain_job *job)
{
	mem_free_secret(job->password);
	for (unsigned i = 0; i < LINK_HASHES; i++)
		mem_free_secret(job->verifier[i]);
	mem_free(job);
}

/*
 * On a thread of the pool.  Up to the first that fits: an account may have a real verifier for one hash only, the
 * others being fakes.  Who fails has paid for all of them, whether the account exists or not.
 */
static void
sum(struct offload *offload)
{
	static const enum crypto_hash order[LINK_HASHES] = { CRYPTO_SHA256, CRYPTO_SHA512,
		                                             CRYPTO_SHA1 };
	struct plain_job *job = HM_CONTAINER(offload, struct plain_job, offload);
	struct scram_keys keys;

	for (unsigned i = 0; i < LINK_HASHES && !job->right; i++) {
		const char *verifier = job->verifier[order[i]];

		job->right = verifier && scram_parse(&keys, verifier) &&
		             scram_check_plain(&keys, job->password);
	}
	crypto_wipe(&keys, sizeof(keys));
}

static void
done(struct offload *offload)
{
	struct plain_job *job = HM_CONTAINER(offload, struct plain_job, offload);
	struct stream *s = stream_find(job->stream);

	if (s && s->login && s->login->step == LOGIN_SUM)
		login_plain_done(s, job->right);
	job_free(job);
}

bool
plain_start(struct stream *s, struct link_msg *credential)
{
	struct plain_job *job = mem_new(struct plain_job);
	struct login *l = s->login;
	struct arena *a = worker_scratch();
	struct sasl_first first;
	char *prepared = NULL;

	/* It was well-formed when it came. */
	if (sasl_first_plain(&first, l->message, l->message_len, a))
		prepared = (char *)(uintptr_t)precis_opaque_string(first.password, a);
	/* One that cannot be prepared takes as long as a wrong one. */
	job->password = mem_strdup(prepared ? prepared : "");
	if (prepared)
		crypto_wipe(prepared, strlen(prepared));
	job->offload = (struct offload){ .sum = sum, .done = done };
	job->stream = s->id;
	for (unsigned i = 0; i < LINK_HASHES; i++) {
		job->verifier[i] = credential->u.credential.verifier[i];
		credential->u.credential.verifier[i] = NULL;
	}
	if (offload_run(&job->offload))
		return true;
	job_free(job);
	return false;
}
