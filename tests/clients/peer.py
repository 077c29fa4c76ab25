# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""A client made of slixmpp, and the thread in which all of them live.

What comes from the server is kept until a test takes it: gets() waits for a
stanza that fits, whatever came before it.
"""

import asyncio
import collections
import contextlib
import logging
import threading
import time

import slixmpp
from slixmpp.exceptions import IqError

from processes import STEP, Timeout
from server import PASSWORD

PLUGINS = ["xep_0012", "xep_0030", "xep_0049", "xep_0054", "xep_0077", "xep_0085", "xep_0092",
           "xep_0115", "xep_0184", "xep_0191", "xep_0199", "xep_0202", "xep_0203", "xep_0359"]


class Loop:
    """An asyncio loop in a thread of its own."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def call(self, coroutine, seconds=None):
        future = asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        try:
            return future.result(seconds or STEP)
        except TimeoutError:
            future.cancel()
            raise Timeout("slixmpp took too long") from None

    def close(self):
        self.call(self._cancel())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    async def _cancel(self):
        tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Client(slixmpp.ClientXMPP):
    """Connects to a given port, whatever the DNS says about the domain."""

    def __init__(self, peer, jid):
        super().__init__(jid, PASSWORD)
        self.ca_certs = peer.server.ca
        self.auto_authorize = None  # the tests answer subscription requests themselves
        self.auto_subscribe = False
        for plugin in PLUGINS:
            self.register_plugin(plugin)

    async def get_dns_records(self, domain, port=None):
        return [(domain, *self.address)]


class Peer:
    def __init__(self, loop, server, user, resource):
        self.loop, self.server = loop, server
        self.bare = "%s@%s" % (user, server.domain)
        self.full = "%s/%s" % (self.bare, resource)
        self.name = "%s (slixmpp)" % self.full
        self.log = []
        self.ended = False
        self._came = collections.deque()
        self._change = threading.Condition()
        self._closed = None
        self.client = loop.call(self._make())

    async def _make(self):
        client = Client(self, self.full)
        client.add_filter("in", self._in)
        client.add_filter("out", self._out)
        return client

    # --- In the thread of the loop ---------------------------------------------

    def _note(self, arrow, stanza):
        self.log.append("%s %s %s" % (time.strftime("%H:%M:%S"), arrow, stanza))

    def _in(self, stanza):
        self._note("S>C", stanza)
        if stanza.name in ("message", "presence", "iq"):
            with self._change:
                self._came.append(stanza)
                self._change.notify_all()
        return stanza

    def _out(self, stanza):
        self._note("C>S", stanza)
        return stanza

    async def _log_in(self, options):
        """Returns why it did not work; None: it did.  slixmpp tries one mechanism after the other."""
        done = asyncio.get_running_loop().create_future()
        refusals = []

        def finish(name):
            def handler(event):
                if name == "failed_auth":
                    refusals.append(event["condition"])
                elif not done.done():
                    done.set_result(None if name == "session_start" else "%s (%s), refused: %s"
                                    % (name, event, ", ".join(refusals) or "nothing"))
            return handler

        for name in ("session_start", "failed_auth", "failed_all_auth", "disconnected",
                     "connection_failed"):
            self.client.add_event_handler(name, finish(name))
        port = self.server.tls_port if options.get("use_ssl") else self.server.port
        self.client.connect(("127.0.0.1", port), **options)
        return await done

    async def _answer(self, function):
        result = function(self.client)
        return await result if asyncio.iscoroutine(result) or asyncio.isfuture(result) else result

    # --- For tests ---------------------------------------------------------------

    def log_in(self, direct_tls=False):
        """Up to the bound resource; the session is there, but not available."""
        options = {"use_ssl": True, "force_starttls": False} if direct_tls else {}
        why = self.loop.call(self._log_in(options))
        if why:
            raise AssertionError("%s cannot log in: %s" % (self.full, why))
        assert str(self.client.boundjid) == self.full, self.client.boundjid
        return self

    def break_connection(self):
        """TCP ends in the middle of it; slixmpp is told not to take this for the end of its session."""
        async def abort():
            ended = asyncio.get_running_loop().create_future()
            self.client.add_event_handler(
                "disconnected", lambda why: ended.done() or ended.set_result(why), disposable=True)
            with contextlib.suppress(AttributeError):
                self.client.abort()
            await ended
        self.loop.call(abort())

    def resume(self):
        """Connects again; XEP-0198 must give back the session (slixmpp tells by an event)."""
        async def resumed():
            done = asyncio.get_running_loop().create_future()
            for name in ("session_resumed", "sm_failed", "session_start"):
                self.client.add_event_handler(
                    name, lambda event, name=name: done.done() or done.set_result(name))
            self.client.connect(("127.0.0.1", self.server.port))
            return await done
        what = self.loop.call(resumed())
        if what != "session_resumed":
            raise AssertionError("%s could not resume: %s" % (self.full, what))

    def go_online(self, **presence):
        """Asks for the roster and becomes available; returns the roster."""
        roster = self.call(lambda x: x.get_roster())
        self.send_presence(**presence)
        self.gets("own presence", lambda s: s.name == "presence" and s["from"].full == self.full)
        return {str(jid): item for jid, item in roster["roster"]["items"].items()}

    def call(self, function):
        """function(client) in the loop's thread; waits for what it returns, if that is to come."""
        try:
            return self.loop.call(self._answer(function))
        except IqError as error:
            raise AssertionError("%s was answered: %s" % (self.full, error.iq)) from None

    def refused(self, function):
        """Like call(), but must be answered with an error, whose condition is returned."""
        try:
            result = self.loop.call(self._answer(function))
        except IqError as error:
            return error.condition
        raise AssertionError("%s should have been answered with an error, not %s" % (self.full, result))

    def send_presence(self, **presence):
        self.call(lambda x: x.send_presence(**presence))

    def subscribe(self, to):
        self.send_presence(pto=to, ptype="subscribe")

    def say(self, to, text, kind="chat"):
        def send(client):
            message = client.make_message(mto=to, mbody=text, mtype=kind)
            message["id"] = client.new_id()
            message.send()
            return message["id"]
        return self.call(send)

    def gets(self, what, fits, seconds=None):
        """The first stanza that fits, of those that came and were not taken; waits for it."""
        end = time.monotonic() + (seconds or STEP)
        with self._change:
            while True:
                for stanza in self._came:
                    if fits(stanza):
                        self._came.remove(stanza)
                        return stanza
                left = end - time.monotonic()
                if left <= 0:
                    raise Timeout("%s in vain waited for: %s" % (self.full, what))
                self._change.wait(left)

    def gets_chat(self, text, sender=None):
        return self.gets("the message \"%s\"" % text, lambda s: is_chat(s, text, sender))

    def gets_presence(self, sender, kind="available"):
        """Presence of a bare or full address; kind as slixmpp says it: available, away, unavailable ..."""
        return self.gets("presence %s of %s" % (kind, sender), lambda s: s.name == "presence"
                         and sender in (s["from"].full, s["from"].bare) and s["type"] == kind)

    def has_got(self, fits):
        """What fits of all that the server has sent so far (it is asked, and answers after that)."""
        self.call(lambda x: x["xep_0199"].send_ping(x.boundjid.domain))
        with self._change:
            return [stanza for stanza in self._came if fits(stanza)]

    def log_out(self):
        """Unavailable presence, then the end of the stream, which the server must answer."""
        async def close():
            ended = asyncio.get_running_loop().create_future()
            self.client.add_event_handler(
                "disconnected", lambda why: ended.done() or ended.set_result(why))
            self.client.send_presence(ptype="unavailable")
            self.client.disconnect(wait=STEP)
            return await ended
        self.ended = True
        why = self.loop.call(close())
        if why != "End of stream":
            raise AssertionError("the stream of %s did not end well: %s" % (self.full, why))

    def close(self):
        """Whatever the state: no connection is left."""
        async def abort():
            self.client.cancel_connection_attempt()
            with contextlib.suppress(AttributeError):  # of asyncio, when TLS has ended already
                self.client.abort()
            if self.client._run_out_filters:  # which slixmpp never ends
                self.client._run_out_filters.cancel()
        self.ended = True
        self.loop.call(abort())


def is_chat(stanza, text, sender=None):
    return (stanza.name == "message" and stanza["body"] == text
            and (sender is None or sender in (stanza["from"].full, stanza["from"].bare)))


def befriend(one, other):
    """Two peers that are online; afterwards each may see the other's presence."""
    for asks, asked in ((one, other), (other, one)):
        asks.subscribe(asked.bare)
        asked.gets_presence(asks.bare, "subscribe")
        asked.send_presence(pto=asks.bare, ptype="subscribed")
        asks.gets_presence(asked.bare, "subscribed")
        asks.gets_presence(asked.full)


def quiet():
    """slixmpp says much about what the tests do on purpose; the stanzas are noted by ourselves."""
    logging.getLogger("slixmpp").addHandler(logging.NullHandler())
    logging.getLogger("slixmpp").propagate = False
