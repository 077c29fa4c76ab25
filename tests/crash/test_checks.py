# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""The checks find what is wrong in stories that were made up."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import checks  # noqa: E402
from ledger import ARCHIVE, LIVE, OFFLINE, Ledger, Message, View  # noqa: E402

A, B = 'a@x.example', 'b@x.example'


class Story(unittest.TestCase):
    def setUp(self):
        """a1 sends four messages to b, whose one client gets them all; a2 reads the archive."""
        self.ledger = Ledger()
        for name, account in (('a1', A), ('a2', A), ('b1', B)):
            self.ledger.views[name] = View(name, account, name != 'b1')
        for number in range(1, 5):
            m = Message(f'm{number}', 'a1', A, B, number)
            m.sent, m.acked = [number * 100], number * 100 + 50
            self.ledger.messages[m.ident] = m
        self.ledger.archives = {A: [(f's{n}', f'm{n}') for n in range(1, 5)],
                                B: [(f'r{n}', f'm{n}') for n in range(1, 5)]}

    def everybody_sees(self, skip=None):
        for n in range(1, 5):
            if n != skip:
                self.see('a2', n, 's', ARCHIVE)
                self.see('b1', n, 'r', LIVE)

    def see(self, name, n, prefix, how, session=1, synced=True):
        self.ledger.views[name].see(f'm{n}', f'{prefix}{n}', how, session, synced)

    def wrong(self):
        return sorted({what.split(':')[0] for what, _ in checks.all_checks(self.ledger)})

    def test_nothing_is_wrong(self):
        self.everybody_sees()
        self.assertEqual(self.wrong(), [])

    def test_again_after_a_crash_is_right(self):
        self.everybody_sees()
        self.see('b1', 3, 'r', OFFLINE, session=2)
        self.see('b1', 4, 'r', OFFLINE, session=2)
        self.assertEqual(self.wrong(), [])

    def test_lost(self):
        self.everybody_sees()
        del self.ledger.archives[B][3]
        self.assertEqual(self.wrong(), ['archives_exactly_once', 'one_id_for_one_message'])

    def test_double(self):
        self.everybody_sees()
        self.ledger.archives[B].append(('r5', 'm4'))
        self.assertEqual(self.wrong(), ['archives_exactly_once', 'nothing_missing'])

    def test_foreign(self):
        self.everybody_sees()
        self.ledger.archives['c@x.example'] = [('q1', 'm1')]
        self.assertEqual(self.wrong(), ['archives_exactly_once'])

    def test_unacknowledged(self):
        self.everybody_sees()
        self.ledger.messages['m2'].acked = None
        self.assertEqual(self.wrong(), ['everything_acknowledged'])

    def test_order_in_archive(self):
        self.everybody_sees()
        self.ledger.archives[A][1:3] = reversed(self.ledger.archives[A][1:3])
        self.assertEqual(self.wrong(), ['archives_in_order', 'shown_in_order'])

    def test_gap(self):
        self.everybody_sees(skip=2)
        self.assertEqual(self.wrong(), ['nothing_missing'])
        self.assertIn('in a gap', str(list(checks.all_checks(self.ledger))))

    def test_gap_that_closed(self):
        self.everybody_sees(skip=2)
        self.see('a2', 2, 's', LIVE, session=2)
        self.see('b1', 2, 'r', OFFLINE, session=2)
        self.assertEqual(self.wrong(), ['shown_in_order'])

    def test_other_id(self):
        self.everybody_sees()
        self.ledger.views['b1'].see('m4', 'r9', OFFLINE, 2, True)
        self.assertEqual(self.wrong(), ['one_id_for_one_message'])

    def test_twice_in_a_session(self):
        self.everybody_sees()
        self.see('b1', 4, 'r', LIVE)
        self.assertEqual(self.wrong(), ['nothing_twice_in_a_session'])

    def test_order_of_deliveries(self):
        self.everybody_sees(skip=2)
        self.see('a2', 2, 's', ARCHIVE, synced=False)
        self.see('b1', 2, 'r', LIVE)
        self.assertEqual(self.wrong(), ['shown_in_order'])

    def test_refused_and_there(self):
        self.everybody_sees()
        self.ledger.messages['m3'].refused = 'resource-constraint'
        self.assertEqual(self.wrong(), ['refused_is_nowhere'])

    def test_history_is_text(self):
        self.everybody_sees()
        self.assertIn('in the archive', '\n'.join(self.ledger.history('m1')))


class Trace(unittest.TestCase):
    def test_between(self):
        syncs = checks.Syncs(['sync x-wal 10 20 1', 'sync x 22 24 5', 'sync x-wal 30 50 1', 'torn'])
        self.assertEqual(len(syncs), 2)
        self.assertTrue(syncs.one_between(10, 20))
        self.assertFalse(syncs.one_between(11, 49))
        self.assertTrue(syncs.one_between(11, 50))
        self.assertFalse(syncs.one_between(31, 99))

    def test_too_early(self):
        ledger = Ledger()
        m = Message('m1', 'a1', A, B, 1)
        m.sent, m.acked = [100], 150
        ledger.messages['m1'] = m
        self.assertEqual(len(list(checks.nothing_before_the_sync(ledger, checks.Syncs(['sync x-wal 90 140 1'])))), 1)
        self.assertEqual(len(list(checks.nothing_before_the_sync(ledger, checks.Syncs(['sync x-wal 110 140 1'])))), 0)


if __name__ == '__main__':
    unittest.main()
