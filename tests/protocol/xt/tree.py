# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""XML as the runner sees it: a small namespace-aware tree and an incremental
reader of an XMPP stream.  Names are pairs (namespace, local name)."""

import re
import xml.parsers.expat
from xml.sax.saxutils import escape, quoteattr

CLIENT = 'jabber:client'
SERVER = 'jabber:server'
DIALBACK = 'jabber:server:dialback'
STREAMS = 'http://etherx.jabber.org/streams'
STREAM_ERRORS = 'urn:ietf:params:xml:ns:xmpp-streams'
STANZA_ERRORS = 'urn:ietf:params:xml:ns:xmpp-stanzas'
TLS = 'urn:ietf:params:xml:ns:xmpp-tls'
SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'
SM = 'urn:xmpp:sm:3'
BIND = 'urn:ietf:params:xml:ns:xmpp-bind'
PING = 'urn:xmpp:ping'
ROSTER = 'jabber:iq:roster'
XML = 'http://www.w3.org/XML/1998/namespace'
WILD = 'urn:hermod:test:wild'  # marks {...} in a pattern

PREFIXES = {STREAMS: 'stream', XML: 'xml'}


class BadXml(Exception):
    """Text that is not well-formed."""


class Element:
    """children holds elements and non-empty strings, in document order."""

    __slots__ = ('name', 'attrs', 'children')

    def __init__(self, name, attrs=None, children=None):
        self.name = name
        self.attrs = attrs or {}
        self.children = children if children is not None else []

    @property
    def ns(self):
        return self.name[0]

    @property
    def local(self):
        return self.name[1]

    def get(self, attr, default=None):
        return self.attrs.get(('', attr), default)

    def elements(self):
        return [c for c in self.children if isinstance(c, Element)]

    def find(self, ns, local):
        return next((c for c in self.elements() if c.name == (ns, local)), None)

    def text(self):
        return ''.join(c for c in self.children if isinstance(c, str))

    def is_stanza(self):
        return self.ns == CLIENT and self.local in ('iq', 'message', 'presence')

    def __str__(self):
        return show(self)


def show(element, parent_ns=CLIENT, indent=0):
    """The element as text, one child element per line."""
    pad = '  ' * indent
    ns, local = element.name
    if ns in PREFIXES:
        tag, inner_ns, head = f'{PREFIXES[ns]}:{local}', parent_ns, ''
    else:
        tag, inner_ns = local, ns
        head = '' if ns == parent_ns else f' xmlns={quoteattr(ns)}'
    for (attr_ns, attr), value in element.attrs.items():
        if attr_ns == WILD:
            head += ' {...}'
            continue
        prefix = f'{PREFIXES.get(attr_ns, attr_ns)}:' if attr_ns else ''
        head += f' {prefix}{attr}={quoteattr(value)}'
    if not element.children:
        return f'{pad}<{tag}{head}/>'
    if not element.elements():
        return f'{pad}<{tag}{head}>{escape(element.text())}</{tag}>'
    lines = [f'{pad}<{tag}{head}>']
    for child in element.children:
        if isinstance(child, str):
            if child.strip():
                lines.append(f'{pad}  {escape(child.strip())}')
        else:
            lines.append(show(child, inner_ns, indent + 1))
    lines.append(f'{pad}</{tag}>')
    return '\n'.join(lines)


def split_name(text):
    ns, _, local = text.rpartition(' ')
    return (ns, local)


class StreamReader:
    """Feeds on bytes and hands out ('header', element), ('element', element) for
    each child of the root, ('text', s) for text between them and ('end', None)."""

    def __init__(self):
        self.events = []
        self._stack = []
        self._text = []
        self._parser = xml.parsers.expat.ParserCreate(namespace_separator=' ')
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._data
        self._rest = b''

    def feed(self, data, final=False):
        # Newer expat delays what it has once seen in part, and a stream cannot wait: it gets
        # whole tags only.
        data = self._rest + data
        whole = len(data) if final else data.rfind(b'>') + 1
        self._rest = data[whole:]
        try:
            self._parser.Parse(data[:whole], final)
        except xml.parsers.expat.ExpatError as error:
            raise BadXml(str(error)) from None

    def _start(self, name, attrs):
        element = Element(split_name(name), {split_name(k): v for k, v in attrs.items()})
        if not self._stack:
            self.events.append(('header', element))
        self._stack.append(element)

    def _end(self, _name):
        element = self._stack.pop()
        if not self._stack:
            self.events.append(('end', None))
        elif len(self._stack) == 1:
            self.events.append(('element', element))
        else:
            self._stack[-1].children.append(element)

    def _data(self, text):
        if len(self._stack) > 1:
            top = self._stack[-1].children
            if top and isinstance(top[-1], str):
                top[-1] += text
            else:
                top.append(text)
        elif self._stack and text.strip():
            self.events.append(('text', text))


def parse_fragment(text, default_ns=CLIENT):
    """The elements of text, as on a client's stream."""
    # {...} among attributes is no XML: it becomes an attribute of its own.
    text = re.sub(r'<[^<>]*>', lambda m: re.sub(r'\s\{\.\.\.\}', ' wild:any=""', m[0]), text)
    if text.lstrip().startswith('<?xml'):
        text = text[text.index('?>') + 2:]
    # The wrapper ends on the line of the text, so that line numbers of mistakes are right.
    wrapper = (f'<wrap xmlns={quoteattr(default_ns)} xmlns:stream={quoteattr(STREAMS)} '
               f'xmlns:db={quoteattr(DIALBACK)} xmlns:wild={quoteattr(WILD)}>')
    if re.match(r'\s*<stream:stream\b', text) and '</stream:stream>' not in text:
        text = re.sub(r'/?>\s*$', '/>', text)
    reader = StreamReader()
    reader.feed((wrapper + text + '</wrap>').encode(), True)
    stray = [value for kind, value in reader.events if kind == 'text']
    if stray:
        raise BadXml(f'text between elements: {stray[0]!r}')
    return [value for kind, value in reader.events if kind == 'element']
