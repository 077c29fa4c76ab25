# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""What was sent, what was said of it, and what each client saw: kept outside of the server, so
that no crash touches it."""

import collections
import time


class Message:
    """One message of one client, however often it is sent."""

    def __init__(self, ident, sender, account, to_account, number):
        self.ident = ident
        self.sender = sender          # name of the client
        self.account = account        # bare JIDs
        self.to_account = to_account
        self.number = number          # of its sender, in the order of first sending
        self.sent = []                # ns, each time
        self.acked = None             # ns: the server says that it has it (XEP-0198)
        self.refused = None           # the condition of an error that came back


# How a client got something.
LIVE, OFFLINE, SENT_COPY, RECEIVED_COPY, ARCHIVE = 'live', 'offline', 'sent copy', 'received copy', 'archive'
AGAIN = 'live or offline'  # with the stamp of a sender that sent it again

Sighting = collections.namedtuple('Sighting', 'ident stanza_id how session synced at')


class View:
    """What one client saw, in the order in which it saw it."""

    def __init__(self, name, account, syncs):
        self.name = name
        self.account = account
        self.syncs = syncs            # by its archive; otherwise only what is delivered to it counts
        self.sightings = []
        self.first = {}               # stanza-id -> place in sightings
        self.wrong = []               # what the client itself found wrong
        self.diary = []               # (ns, text): what the client did

    def see(self, ident, stanza_id, how, session, synced):
        """True: for the first time."""
        new = stanza_id not in self.first
        self.first.setdefault(stanza_id, len(self.sightings))
        self.sightings.append(Sighting(ident, stanza_id, how, session, synced, time.monotonic_ns()))
        return new


    def note(self, text):
        self.diary.append((time.monotonic_ns(), text))


class Ledger:
    def __init__(self):
        self.messages = {}
        self.views = {}
        self.archives = {}  # bare JID -> [(stanza-id, ident)], the whole archive at the end
        self.story = []     # (ns, text): what was done to the server
        self.counts = collections.Counter()

    def tell(self, text):
        self.story.append((time.monotonic_ns(), text))

    def history(self, ident, about=''):
        """All that is known of one message, for people; with the diary of who is named in `about`."""
        message = self.messages.get(ident)
        if message is None:
            return [f'{ident}: nobody sent it']
        entries = [(at, f'{message.sender} sends it to {message.to_account}') for at in message.sent]
        if message.acked:
            entries.append((message.acked, 'it is acknowledged'))
        for view in self.views.values():
            entries += [(s.at, f'{view.name} sees it: {s.how}, {s.stanza_id}, session {s.session}')
                        for s in view.sightings if s.ident == ident]
        begin, end = (min(e[0] for e in entries), max(e[0] for e in entries)) if entries else (0, 0)
        told = [(at, f'--- {text}') for at, text in self.story]
        for view in self.views.values():
            if view.name in about.split():
                told += [(at, f'    {view.name}: {text}') for at, text in view.diary]
        entries += [(at, text) for at, text in told if begin - 10**9 <= at <= end + 10**9]
        start = self.story[0][0] if self.story else begin
        lines = [f'{(at - start) / 1e9:9.4f} {text}' for at, text in sorted(entries)]
        for account, archive in self.archives.items():
            lines += [f'          in the archive of {account}: {sid}' for sid, which in archive if which == ident]
        return lines
