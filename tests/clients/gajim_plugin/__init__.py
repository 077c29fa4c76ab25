# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""A plug-in of Gajim: hands and eyes of the tests.

Several times a second it writes what Gajim shows (windows, contact list, the
open chat) to state.json in the folder $HERMOD_GAJIM, and obeys request.json
there: {"number": 1, "do": "open", "jid": ...}.  Each number is obeyed once;
"answered" in the state is the last one, "refused" why it could not be done.
"""

import json
import os
import traceback

from gi.repository import Gdk, GLib, Gtk
from nbxmpp.protocol import JID

from gajim.common import app
from gajim.gtk.conversation.rows.message import MessageRow
from gajim.gtk.roster import Column, Roster
from gajim.plugins import GajimPlugin

FOLDER = os.environ.get("HERMOD_GAJIM", "")
INTERVAL_MS = 200


def descendants(widget):
    yield widget
    if isinstance(widget, Gtk.Container):
        children = []
        widget.forall(children.append)
        for child in children:
            yield from descendants(child)


def of_kind(widget, kind):
    return [each for each in descendants(widget) if isinstance(each, kind)]


class ClientTests(GajimPlugin):
    def init(self):
        self._answered = 0
        self._refused = None
        self._timer = None

    def activate(self):
        if FOLDER:
            self._timer = GLib.timeout_add(INTERVAL_MS, self._tick)

    def deactivate(self):
        if self._timer is not None:
            GLib.source_remove(self._timer)

    def _tick(self):
        self._obey()
        try:
            state = self._state()
        except Exception:
            state = {"broken": traceback.format_exc()}
        state.update(answered=self._answered, refused=self._refused)
        path = os.path.join(FOLDER, "state.json")
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump(state, file)
        os.rename(path + ".new", path)
        return True

    # --- Eyes ------------------------------------------------------------------

    def _state(self):
        account = app.settings.get_active_accounts()[0]
        client = app.get_client(account)
        state = {"account": client.state.name, "windows": [], "contacts": {}, "chat": None}
        for window in Gtk.Window.list_toplevels():
            if window.get_visible() and window.get_window_type() is Gtk.WindowType.TOPLEVEL:
                kind = type(window).__name__
                texts = [] if kind == "MainWindow" else self._texts(window)
                state["windows"].append(
                    {"kind": kind, "title": window.get_title(), "texts": texts})
        if not client.state.is_available:
            return state
        contacts = client.get_module("Contacts")
        for roster in of_kind(app.window, Roster):
            for group in roster._store:
                for row in group.iterchildren():
                    contact = contacts.get_bare_contact(row[Column.JID_OR_GROUP])
                    state["contacts"][row[Column.JID_OR_GROUP]] = {
                        "name": row[Column.TEXT], "show": contact.show.name.lower(),
                        "subscription": contact.subscription}
        control = app.window.get_control()
        if control.has_active_chat():
            state["chat"] = {
                "jid": str(control.contact.jid),
                "unread": app.window.get_total_unread_count(),
                "messages": [self._message(row) for row in of_kind(app.window, MessageRow)]}
        return state

    @staticmethod
    def _texts(window):
        labels = [label.get_text() for label in of_kind(window, Gtk.Label) if label.get_mapped()]
        buffers = [view.get_buffer() for view in of_kind(window, Gtk.TextView)]
        return labels + [buffer.get_text(*buffer.get_bounds(), False) for buffer in buffers]

    @staticmethod
    def _message(row):
        return {"text": row.text, "name": row.name, "kind": row.kind, "shown": row.get_mapped(),
                "received": row._has_receipt or row._has_displayed}

    # --- Hands -----------------------------------------------------------------

    def _obey(self):
        try:
            with open(os.path.join(FOLDER, "request.json"), encoding="utf-8") as file:
                request = json.load(file)
        except (OSError, ValueError):
            return
        if request["number"] <= self._answered:
            return
        self._refused = None
        try:
            getattr(self, "do_" + request["do"])(request)
        except Exception:
            self._refused = traceback.format_exc()
        self._answered = request["number"]

    @staticmethod
    def do_open(request):
        """Opens the chat with a contact, as a double click on it does."""
        account = app.settings.get_active_accounts()[0]
        app.window.add_chat(account, JID.from_string(request["jid"]), "contact", select=True)
        app.window.present()
        # Where the pointer stands, nothing must be highlighted.
        Gdk.Display.get_default().get_default_seat().get_pointer().warp(
            app.window.get_screen(), 240, 400)

    @staticmethod
    def do_say(request):
        """Types a line and does what the Enter key does."""
        app.window.get_chat_stack().get_message_input().insert_text(request["text"])
        if not app.window.get_action("send-message").get_enabled():
            raise RuntimeError("Gajim cannot send now")
        app.window.activate_action("send-message", None)

    @staticmethod
    def do_show(request):
        """Changes the own presence."""
        account = app.settings.get_active_accounts()[0]
        app.get_client(account).change_status(request["show"], request.get("status", ""))

    @staticmethod
    def do_picture(request):
        """A picture of the main window."""
        window = app.window.get_window()
        picture = Gdk.pixbuf_get_from_window(window, 0, 0, window.get_width(), window.get_height())
        picture.savev(request["path"], "png", ["compression"], ["9"])

    @staticmethod
    def do_quit(_request):
        app.app.activate_action("quit", None)
