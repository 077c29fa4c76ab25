# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""Judges a ledger.  Each check yields pairs (what is wrong, ident of a message or None)."""

import bisect
import collections

from ledger import AGAIN, ARCHIVE, LIVE, OFFLINE, RECEIVED_COPY, SENT_COPY


def all_checks(ledger):
    for check in (said_by_clients, everything_acknowledged, archives_exactly_once, archives_in_order,
                  one_id_for_one_message, nothing_missing, nothing_twice_in_a_session, shown_in_order,
                  refused_is_nowhere):
        for what, ident in check(ledger):
            yield f'{check.__name__}: {what}', ident


def said_by_clients(ledger):
    for view in ledger.views.values():
        for what in view.wrong:
            yield f'{view.name}: {what}', None


def everything_acknowledged(ledger):
    """All clients were online at the end and had time."""
    for m in ledger.messages.values():
        if m.sent and not m.acked and not m.refused:
            yield f'{m.ident} of {m.sender} was never acknowledged', m.ident


def archives_exactly_once(ledger):
    """No loss, no double, on both sides."""
    for account, archive in ledger.archives.items():
        counts = collections.Counter(ident for _, ident in archive)
        for ident, count in counts.items():
            m = ledger.messages.get(ident)
            if m is None or account not in (m.account, m.to_account):
                yield f'{account} has {ident} in its archive, which does not belong there', ident
            elif count > 1:
                yield f'{account} has {ident} {count} times in its archive', ident
        for m in ledger.messages.values():
            if m.acked and not m.refused and account in (m.account, m.to_account) and not counts[m.ident]:
                yield f'{m.ident} was acknowledged and is not in the archive of {account}', m.ident


def archives_in_order(ledger):
    """Of each sender to each addressee, on both sides."""
    for account, archive in ledger.archives.items():
        last = {}
        for _, ident in archive:
            m = ledger.messages.get(ident)
            if m is None:
                continue
            way = (m.sender, m.to_account)
            before = last.get(way)
            if before and before.number > m.number:
                yield f'{account} has {m.ident} behind {before.ident} in its archive', m.ident
            last[way] = m


def one_id_for_one_message(ledger):
    """What is delivered again carries the same stanza-id, which is that of the archive."""
    for view in ledger.views.values():
        archive = dict(ledger.archives.get(view.account, ()))
        by_ident = {}
        for s in view.sightings:
            first = by_ident.setdefault(s.ident, s)
            if first.stanza_id != s.stanza_id:
                yield (f'{view.name} saw {s.ident} as {first.stanza_id} ({first.how}) and as '
                       f'{s.stanza_id} ({s.how})'), s.ident
            elif archive.get(s.stanza_id) != s.ident:
                yield f'{view.name} saw {s.ident} as {s.stanza_id} ({s.how}), which the archive does not have', s.ident


def expected_of(ledger, view):
    """(stanza-id, ident) of all that this client must have seen: what its archive has but it did
    not send itself, or, of one that does not read its archive, what came for its account."""
    for stanza_id, ident in ledger.archives.get(view.account, ()):
        m = ledger.messages.get(ident)
        if m is None or m.sender == view.name:
            continue
        if view.syncs or m.to_account == view.account:
            yield stanza_id, ident


def nothing_missing(ledger):
    """A client that asked its archive for what came after the last id it saw has no gap."""
    for view in ledger.views.values():
        expected = list(expected_of(ledger, view))
        seen = [i for i, (stanza_id, _) in enumerate(expected) if stanza_id in view.first]
        for i, (stanza_id, ident) in enumerate(expected):
            if stanza_id not in view.first:
                where = 'in a gap' if seen and i < seen[-1] else 'at the end'
                yield f'{view.name} never saw {ident} ({stanza_id}), {where}', ident


def nothing_twice_in_a_session(ledger):
    """A session, resumed or not, delivers each once."""
    for view in ledger.views.values():
        delivered = {}
        for s in view.sightings:
            if s.how == ARCHIVE:
                continue
            before = delivered.setdefault((s.session, s.stanza_id), s)
            if before is not s:
                yield f'{view.name} got {s.ident} twice in session {s.session}: {before.how}, {s.how}', s.ident


def shown_in_order(ledger):
    """What is shown comes in the order of ids.  What is new and lower than something that was
    shown before was a gap for a while: a client that had synced then would have missed it."""
    for view in ledger.views.values():
        place = {stanza_id: i for i, (stanza_id, _) in enumerate(ledger.archives.get(view.account, ()))}
        highest = {}  # of a session
        for i, s in enumerate(view.sightings):
            at = place.get(s.stanza_id)
            if at is None or view.first[s.stanza_id] != i:  # what is known has its place
                continue
            if s.how == AGAIN and view.syncs:  # it may have waited, as below
                continue
            # A page of the archive has its own order, beside what is delivered meanwhile.  So has, where
            # there are several clients, what another one went away with and had not acknowledged.
            key = (s.session, s.how if s.how == ARCHIVE or (s.how == OFFLINE and view.syncs) else None)
            before = highest.get(key)
            if before and at < before[0]:
                yield f'{view.name} got {s.ident} ({s.how}) behind {before[1].ident} ({before[1].how})', s.ident
            else:
                highest[key] = (at, s)
        yield from late(view, place)


def late(view, place):
    """New to a client that had synced, and lower than what it had."""
    highest = None
    for i, s in enumerate(view.sightings):
        at = place.get(s.stanza_id)
        if at is None:
            continue
        if view.syncs and s.synced and view.first[s.stanza_id] == i and highest and at < highest[0]:
            yield f'{view.name} had synced up to {highest[1].ident} and then got {s.ident} ({s.how})', s.ident
        if s.synced and (highest is None or at > highest[0]):
            highest = (at, s)


def refused_is_nowhere(ledger):
    """An error goes to the sender only when it is certain that the message will not come."""
    for m in ledger.messages.values():
        if not m.refused:
            continue
        if any(ident == m.ident for _, ident in ledger.archives.get(m.to_account, ())):
            yield f'{m.ident} was refused ({m.refused}) and is in the archive of {m.to_account}', m.ident
        for view in ledger.views.values():
            if view.account == m.to_account and any(s.ident == m.ident for s in view.sightings):
                yield f'{m.ident} was refused ({m.refused}) and seen by {view.name}', m.ident


# --- The trace of the disk ---------------------------------------------------------------------


class Syncs:
    """The times in which a log was brought to disk, from the trace of --test-disk."""

    def __init__(self, lines):
        pairs = []
        for line in lines:
            words = line.split()
            if len(words) == 5 and words[0] == 'sync' and words[1].endswith('-wal'):
                pairs.append((int(words[2]), int(words[3])))
        pairs.sort()
        self.begins = [begin for begin, _ in pairs]
        self.ends = [end for _, end in pairs]

    def __len__(self):
        return len(self.begins)

    def one_between(self, start, end):
        """Did a whole one lie there?  What was sent at `start` cannot be in an earlier one."""
        i = bisect.bisect_left(self.begins, start)
        return i < len(self.ends) and self.ends[i] <= end


def nothing_before_the_sync(ledger, syncs):
    """No <a/>, no delivery, no copy and no result left before the sync of its row."""
    for m in ledger.messages.values():
        if m.acked and not m.refused and not syncs.one_between(m.sent[0], m.acked):
            yield f'{m.ident} was acknowledged before anything was synchronised', m.ident
    for view in ledger.views.values():
        for s in view.sightings:
            m = ledger.messages.get(s.ident)
            if m and s.how in (LIVE, OFFLINE, AGAIN, SENT_COPY, RECEIVED_COPY, ARCHIVE) \
                    and not syncs.one_between(m.sent[0], s.at):
                yield f'{view.name} saw {s.ident} ({s.how}) before anything was synchronised', s.ident
