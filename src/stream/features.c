/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/features.c - what a client is offered, in this order (RFC 6120 4.3, 5.3.1, 6.4.1):
 * STARTTLS, alone while it is mandatory; SASL with its channel bindings (XEP-0440) and what the host
 * offers to strangers; after authentication what the host offers to its users.  With them the limits of XEP-0478.
 */
#include "stream/login.h"
#include "stream/stream_state.h"

unsigned
stream_mechanisms(struct stream *s)
{
	unsigned bits = s->version->mechanisms;
	bool tls = conn_is_tls(s->conn);
	struct channel_binding binding;

	if (!tls && s->version->settings.require_tls)
		return 0;
	for (unsigned i = 0; i < MECHANISMS; i++) {
		if ((mechanisms[i].plain && !tls) ||
		    (mechanisms[i].plus && !binding_any(s->conn, &binding)))
			bits &= ~(1u << i);
	}
	return bits;
}

static void
write_sasl(struct stream *s, struct buf *buf)
{
	unsigned offered = stream_mechanisms(s);
	struct channel_binding binding;

	if (!offered)
		return;
	buf_puts(buf, "<mechanisms xmlns='" NS_SASL "'>");
	for (unsigned i = 0; i < MECHANISMS; i++) {
		if (offered & (1u << i))
			buf_printf(buf, "<mechanism>%s</mechanism>", mechanisms[i].name);
	}
	buf_puts(buf, "</mechanisms>");
	if (!binding_any(s->conn, &binding))
		return;
	buf_puts(buf, "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>");
	for (unsigned i = 0; i < BINDINGS; i++) {
		if (binding_get(s->conn, binding_types[i], &binding))
			buf_printf(buf, "<channel-binding type='%s'/>", binding.type);
	}
	buf_puts(buf, "</sasl-channel-binding>");
}

static void
write_limits(struct stream *s, struct buf *buf)
{
	uint32_t idle = s->version->settings.idle_time;

	buf_printf(buf, "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>%zu</max-bytes>",
	           s->session ? s->version->after.stanza_bytes : s->version->before.stanza_bytes);
	if (s->session && idle != HM_UNLIMITED_DURATION)
		buf_printf(buf, "<idle-seconds>%u</idle-seconds>", (unsigned)(idle / 1000));
	buf_puts(buf, "</limits>");
}

static void
write_before(struct stream *s, struct buf *buf)
{
	const struct stream_settings *settings = &s->version->settings;
	bool tls = conn_is_tls(s->conn);

	if (!tls && s->version->tls.starttls)
		buf_printf(buf, "<starttls xmlns='" NS_TLS "'>%s</starttls>",
		           settings->require_tls ? "<required/>" : "");
	if (!tls && settings->require_tls)
		return;
	write_sasl(s, buf);
	if (s->host->features_before)
		buf_puts(buf, s->host->features_before);
	write_limits(s, buf);
}

void
stream_send_features(struct stream *s)
{
	struct buf *buf = stream_buf();

	buf_puts(buf, "<stream:features>");
	if (s->session) {
		if (s->host->features_after)
			buf_puts(buf, s->host->features_after);
		write_limits(s, buf);
	} else {
		write_before(s, buf);
	}
	buf_puts(buf, "</stream:features>");
	stream_send(s);
}
