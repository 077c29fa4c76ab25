# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""Compares what arrived with what a script expects.

Exact, but for: {*} is any text; {...} stands for any further children, or, among
the attributes, for any further attributes; {name} captures text the first time and
must be equal from then on.  Of a stanza itself id, to and xml:lang may be left out,
and 'from' may be left out where the sender is the client's own account (RFC 6120
8.1.2.1).  So may the <stanza-id/> that the client's own account has added to a message
(XEP-0359).  Order matters but where the specifications give it no meaning."""

import re

from .tree import CLIENT, ROSTER, SASL, STREAMS, WILD, XML, Element

PLACEHOLDER = re.compile(r'\{(\*|[A-Za-z_][\w.-]*)\}')
STANZA_ID = ('urn:xmpp:sid:0', 'stanza-id')
LEAVE_OUT = {('', 'id'), ('', 'to'), (XML, 'lang')}

# Elements whose children are a set.
UNORDERED = {
    (CLIENT, 'iq'), (CLIENT, 'message'), (CLIENT, 'presence'), (CLIENT, 'error'),
    (STREAMS, 'features'), (STREAMS, 'error'), (SASL, 'mechanisms'), (SASL, 'failure'),
    (ROSTER, 'query'), (ROSTER, 'item'),
    ('http://jabber.org/protocol/disco#info', 'query'),
    ('http://jabber.org/protocol/disco#items', 'query'),
    ('urn:xmpp:blocking', 'blocklist'), ('urn:xmpp:blocking', 'block'),
    ('urn:xmpp:blocking', 'unblock'), ('urn:xmpp:sasl-cb:0', 'sasl-channel-binding'),
}


class Mismatch(Exception):
    """Says where and how the two differ."""


def match(pattern, actual, names, own_bare=None):
    """The names after matching, a new dictionary; raises Mismatch."""
    return _Matcher(own_bare).element(pattern, actual, names, pattern.local)


def match_text(pattern, actual, names, where):
    """Text against text with placeholders."""
    if '{' not in pattern:
        if pattern != actual:
            raise Mismatch(f'{where}: expected {pattern!r}, got {actual!r}')
        return names
    names = dict(names)
    regex, captured, position = '', [], 0
    for found in PLACEHOLDER.finditer(pattern):
        regex += re.escape(pattern[position:found.start()])
        position = found.end()
        name = found[1]
        if name == '*':
            regex += '.*'
        elif name in names:
            regex += re.escape(names[name])
        elif name in captured:
            regex += f'(?P=n{captured.index(name)})'
        else:
            regex += f'(?P<n{len(captured)}>.+?)'
            captured.append(name)
    regex += re.escape(pattern[position:])
    found = re.fullmatch(regex, actual, re.DOTALL)
    if not found:
        known = ', '.join(f'{{{m}}} is {names[m]!r}' for m in PLACEHOLDER.findall(pattern) if m in names)
        raise Mismatch(f'{where}: expected {pattern!r}, got {actual!r}' + (f' ({known})' if known else ''))
    for index, name in enumerate(captured):
        names[name] = found[f'n{index}']
    return names


class _Matcher:
    def __init__(self, own_bare):
        self.own_bare = own_bare

    def element(self, pattern, actual, names, where):
        if pattern.name != actual.name:
            raise Mismatch(f'{where}: expected <{pattern.local} xmlns={pattern.ns!r}>, '
                           f'got <{actual.local} xmlns={actual.ns!r}>')
        names = self.attributes(pattern, actual, names, where)
        return self.children(pattern, actual, names, where)

    def attributes(self, pattern, actual, names, where):
        wanted = dict(pattern.attrs)
        more_allowed = wanted.pop((WILD, 'any'), None) is not None
        optional = LEAVE_OUT if actual.is_stanza() else set()
        given = dict(actual.attrs)
        if actual.is_stanza() and self.own_bare:
            self.level_own_from(wanted, given, names)
        for key, value in wanted.items():
            if key not in given:
                raise Mismatch(f'{where}: attribute {key[1]} is missing (expected {value!r})')
            names = match_text(value, given.pop(key), names, f'{where}: attribute {key[1]}')
        for key, value in given.items():
            if key not in optional and not more_allowed:
                raise Mismatch(f'{where}: unexpected attribute {key[1]}={value!r}')
        return names

    def level_own_from(self, wanted, given, names):
        """No from and the account's own bare JID say the same."""
        key = ('', 'from')
        says = wanted.get(key)
        if says is None and given.get(key) == self.own_bare:
            del given[key]
        elif says is not None and key not in given:
            try:
                match_text(says, self.own_bare, names, '')
                del wanted[key]
            except Mismatch:
                pass

    def children(self, pattern, actual, names, where):
        wanted, more_allowed = pattern_children(pattern)
        given = significant(actual)
        if actual.name == (CLIENT, 'message'):
            given = self.level_own_ids(wanted, given)
        texts_only = all(isinstance(c, str) for c in wanted + given)
        if texts_only:
            want, got = ''.join(wanted), ''.join(given)
            if more_allowed and not wanted:
                return names
            return match_text(want, got, names, f'{where}: text')
        if pattern.name in UNORDERED:
            return self.as_set(wanted, given, names, where, more_allowed)
        return self.as_list(wanted, given, names, where, more_allowed)

    def level_own_ids(self, wanted, given):
        """The id of the own archive matters only where the script names one."""
        if any(isinstance(c, Element) and c.name == STANZA_ID for c in wanted):
            return given
        return [c for c in given if not isinstance(c, Element) or c.name != STANZA_ID
                or c.attrs.get(('', 'by')) != self.own_bare]

    def child(self, wanted, given, names, where):
        if isinstance(wanted, str) and isinstance(given, str):
            return match_text(wanted, given, names, f'{where}: text')
        if isinstance(wanted, Element) and isinstance(given, Element):
            return self.element(wanted, given, names, f'{where}/{wanted.local}')
        raise Mismatch(f'{where}: expected {brief(wanted)}, got {brief(given)}')

    def as_list(self, wanted, given, names, where, more_allowed):
        given = list(given)
        for index, child in enumerate(wanted):
            while True:
                if not given:
                    raise Mismatch(f'{where}: {brief(child)} is missing')
                candidate = given.pop(0)
                try:
                    names = self.child(child, candidate, names, f'{where}[{index + 1}]')
                    break
                except Mismatch:
                    if not more_allowed:
                        raise
        if given and not more_allowed:
            raise Mismatch(f'{where}: unexpected {brief(given[0])}')
        return names

    def as_set(self, wanted, given, names, where, more_allowed):
        """Backtracks, since a capture may fit more than one child."""
        best = []

        def assign(rest, pool, names):
            if not rest:
                if pool and not more_allowed:
                    raise Mismatch(f'{where}: unexpected {brief(pool[0])}')
                return names
            why = Mismatch(f'{where}: {brief(rest[0])} is missing')
            for index, candidate in enumerate(pool):
                try:
                    taken = self.child(rest[0], candidate, names, where)
                except Mismatch as error:
                    if same_kind(rest[0], candidate):
                        why = error
                    continue
                try:
                    return assign(rest[1:], pool[:index] + pool[index + 1:], taken)
                except Mismatch as error:
                    why = error
            best.append(why)
            raise why

        # The patterns that name the most come first: fewer wrong guesses.
        rest = sorted(wanted, key=lambda c: PLACEHOLDER.search(str(c)) is not None)
        try:
            return assign(rest, given, names)
        except Mismatch:
            raise (best[0] if best else Mismatch(f'{where}: unexpected {brief(given[0])}')) from None


def same_kind(a, b):
    return isinstance(a, Element) and isinstance(b, Element) and a.name == b.name


def significant(element):
    """The children without the white space between elements."""
    if any(isinstance(c, Element) for c in element.children):
        return [c for c in element.children if isinstance(c, Element) or c.strip()]
    return [c for c in element.children if c]


def pattern_children(pattern):
    """The children a pattern asks for, and whether {...} allows more."""
    wanted, more_allowed = [], False
    for child in significant(pattern):
        if isinstance(child, str) and '{...}' in child:
            more_allowed = True
            child = child.replace('{...}', '')
            if not child.strip():
                continue
        wanted.append(child)
    return wanted, more_allowed


def brief(thing):
    if isinstance(thing, str):
        return f'text {thing!r}'
    attrs = ''.join(f' {k[1]}={v!r}' for k, v in thing.attrs.items() if k[0] != WILD)
    return f'<{thing.local} xmlns={thing.ns!r}{attrs}>'
