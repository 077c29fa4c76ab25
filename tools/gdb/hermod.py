# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""Printers for gdb: buffers, values, addresses, elements and stanzas as text.

    (gdb) source tools/gdb/hermod.py
    (gdb) print *stanza
"""

import gdb
import gdb.printing

MAX_CHILDREN = 50
MAX_DEPTH = 10


def text(pointer):
    """The C string, or None."""
    return pointer.string('utf-8', 'replace') if pointer else None


def shown(pointer):
    return 'NULL' if not pointer else '"%s"' % text(pointer)


def escaped(string):
    return string.replace('&', '&amp;').replace('<', '&lt;').replace("'", '&apos;')


class Printer:
    def __init__(self, value):
        self.value = value


class BufPrinter(Printer):
    def to_string(self):
        v = self.value
        length = int(v['len'])
        content = v['data'].string('utf-8', 'replace', length=length) if v['data'] else ''
        return 'buf of %d/%d bytes "%s"' % (length, int(v['cap']), content)


class ValuePrinter(Printer):
    def to_string(self):
        kind = str(self.value['type'])
        union = self.value['u']
        if kind.endswith('HM_V_TEXT'):
            return shown(union['text'])
        if kind.endswith('HM_V_INT'):
            return str(int(union['num']))
        return 'NULL' if kind.endswith('HM_V_NULL') else kind


class JidPrinter(Printer):
    def to_string(self):
        return 'jid ' + shown(self.value['full'])


def nodes(first):
    """The siblings from here on, and None where they are cut."""
    count = 0
    while first:
        if count == MAX_CHILDREN:
            yield None
            return
        yield first.dereference()
        first = first.dereference()['next']
        count += 1


def as_xml(e, outer_ns, depth):
    kind = str(e['node'])
    if not kind.endswith('XML_ELEMENT'):
        raw = e['text'].string('utf-8', 'replace', length=int(e['text_len'])) if e['text'] else ''
        return raw if kind.endswith('XML_RAW') else escaped(raw)
    name, ns = text(e['name']), text(e['ns'])
    out = '<' + name
    if ns != outer_ns:
        out += " xmlns='%s'" % escaped(ns or '')
    for attr in nodes(e['attrs']):
        if attr is not None:
            prefix = '{%s}' % text(attr['ns']) if attr['ns'] else ''
            out += " %s%s='%s'" % (prefix, text(attr['name']), escaped(text(attr['value']) or ''))
    if not e['first']:
        return out + '/>'
    if depth == MAX_DEPTH:
        return out + '>...</' + name + '>'
    inner = ''.join('...' if n is None else as_xml(n, ns, depth + 1) for n in nodes(e['first']))
    return '%s>%s</%s>' % (out, inner, name)


class ElemPrinter(Printer):
    def to_string(self):
        return as_xml(self.value, None, 0)


class StanzaPrinter(Printer):
    def to_string(self):
        v = self.value
        root = as_xml(v['root'].dereference(), None, 0) if v['root'] else 'without root'
        return 'stanza from %s, %s references: %s' % (shown(v['from']), v['refs'], root)


def register():
    printers = gdb.printing.RegexpCollectionPrettyPrinter('hermod')
    for name, printer in (('buf', BufPrinter), ('hm_value', ValuePrinter), ('jid', JidPrinter),
                          ('hm_elem', ElemPrinter), ('hm_stanza', StanzaPrinter)):
        printers.add_printer(name, '^%s$' % name, printer)
    gdb.printing.register_pretty_printer(gdb.current_objfile(), printers, replace=True)


register()
