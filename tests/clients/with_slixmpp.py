# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""What applications written with slixmpp do: presence, chat, offline messages, queries."""

from datetime import datetime, timedelta, timezone

from slixmpp.xmlstream import ET

from peer import befriend, is_chat
from processes import until

SCENARIOS = []


def scenario(function):
    SCENARIOS.append(("slixmpp " + function.__name__.replace("_", " "), function))
    return function


def equal(got, expected):
    if got != expected:
        raise AssertionError("got %r, expected %r" % (got, expected))


def roster_push(jid, subscription):
    return lambda s: (s.name == "iq" and s["type"] == "set"
                      and jid in [str(j) for j in s["roster"]["items"]]
                      and s["roster"]["items"][jid]["subscription"] == subscription)


@scenario
def presence(run):
    run.account("romeo")
    run.account("juliet")
    with run.step("two accounts log in over TLS"):
        romeo = run.stack.enter_context(run.peer("romeo", "orchard"))
        juliet = run.stack.enter_context(run.peer("juliet", "balcony"))
    with run.step("they subscribe to each other's presence"):
        befriend(romeo, juliet)
    with run.step("a change of presence is seen"):
        romeo.send_presence(pshow="away", pstatus="Banished")
        seen = juliet.gets_presence(romeo.full, "away")
        equal(seen["status"], "Banished")
    with run.step("unavailable presence is seen when the other leaves"):
        juliet.log_out()
        romeo.gets_presence(juliet.full, "unavailable")
    with run.step("after the next login roster and presence are there"):
        juliet = run.stack.enter_context(run.peer("juliet", "tomb", online=False))
        roster = juliet.go_online()
        equal(roster[romeo.bare]["subscription"], "both")
        seen = juliet.gets_presence(romeo.full, "away")
        equal(seen["status"], "Banished")
        romeo.gets_presence(juliet.full)
    with run.step("a cancelled subscription ends presence and shows in both rosters"):
        juliet.send_presence(pto=romeo.bare, ptype="unsubscribed")
        romeo.gets_presence(juliet.bare, "unsubscribed")
        romeo.gets_presence(juliet.full, "unavailable")
        romeo.gets("a roster push", roster_push(juliet.bare, "from"))
        juliet.gets("a roster push", roster_push(romeo.bare, "to"))


@scenario
def chat(run):
    run.account("romeo")
    run.account("juliet")
    romeo = run.stack.enter_context(run.peer("romeo", "orchard"))
    with run.step("direct TLS works as well as STARTTLS"):
        juliet = run.stack.enter_context(run.peer("juliet", "balcony", direct_tls=True))
    befriend(romeo, juliet)
    with run.step("messages go both ways"):
        romeo.say(juliet.bare, "Art thou not Romeo?")
        juliet.gets_chat("Art thou not Romeo?", romeo.full)
        juliet.say(romeo.full, "Neither, fair saint \u2014 \u265e \U0001f339 <&>\"'")
        romeo.gets_chat("Neither, fair saint \u2014 \u265e \U0001f339 <&>\"'", juliet.full)
    with run.step("a hundred messages arrive complete and in order"):
        for n in range(100):
            romeo.say(juliet.full, "line %d" % n)
        got = [juliet.gets("line %d" % n, lambda s: s.name == "message"
                           and s["body"].startswith("line "))["body"] for n in range(100)]
        equal(got, ["line %d" % n for n in range(100)])
    with run.step("chat states and receipts arrive"):
        def ask_receipt(client):
            message = client.make_message(mto=juliet.full, mbody="Dost thou love me?", mtype="chat")
            message["request_receipt"] = True
            message["chat_state"] = "active"
            message["id"] = "ask-1"
            message.send()
        romeo.call(ask_receipt)
        asked = juliet.gets_chat("Dost thou love me?")
        equal(asked["chat_state"], "active")
        romeo.gets("a receipt", lambda s: s.name == "message" and s["receipt"] == "ask-1")
    with run.step("a message to two devices of an account reaches both"):
        with run.peer("juliet", "tablet") as tablet:
            romeo.say(juliet.bare, "To both of you")
            juliet.gets_chat("To both of you")
            tablet.gets_chat("To both of you")
    with run.step("a query to an account that does not exist is answered with an error"):
        nobody = "rosaline@" + juliet.client.boundjid.domain
        equal(romeo.refused(lambda x: x["xep_0054"].get_vcard(nobody)), "service-unavailable")


@scenario
def offline_messages(run):
    run.account("romeo")
    juliet = run.account("juliet")
    romeo = run.stack.enter_context(run.peer("romeo", "orchard"))
    lines = ["Lady, by yonder blessed moon I swear", "that tips with silver", "all these fruit-tree tops"]
    with run.step("messages to someone who is offline are accepted"):
        start = datetime.now(timezone.utc).replace(microsecond=0)
        for line in lines:
            romeo.say(juliet, line)
        equal(romeo.has_got(lambda s: s.name == "message"), [])
    with run.step("they arrive at the next login, in order, with their time"):
        balcony = run.stack.enter_context(run.peer("juliet", "balcony"))
        got = [balcony.gets("offline messages", lambda s: s.name == "message") for _ in lines]
        equal([s["body"] for s in got], lines)
        for stanza in got:
            equal((stanza["from"].full, stanza["type"]), (romeo.full, "chat"))
            late = stanza["delay"]["stamp"] - start
            assert timedelta(0) <= late < timedelta(minutes=10), "delayed by %s" % late
    with run.step("they arrive once"):
        equal(balcony.has_got(lambda s: s.name == "message"), [])
        balcony.log_out()
        again = run.stack.enter_context(run.peer("juliet", "again"))
        equal(again.has_got(lambda s: s.name == "message"), [])
        again.log_out()
    with run.step("what must not be stored is not, the rest is"):
        romeo.say(juliet, "a headline", kind="headline")
        def hint(client):
            message = client.make_message(mto=juliet, mbody="not to be stored", mtype="chat")
            message.append(ET.Element("{urn:xmpp:hints}no-store"))
            message.send()
        romeo.call(hint)
        romeo.say(juliet, "a normal message", kind="normal")
        last = run.stack.enter_context(run.peer("juliet", "last"))
        last.gets("the message to be stored", lambda s: is_chat(s, "a normal message"))
        equal(last.has_got(lambda s: s.name == "message"), [])


@scenario
def queries_after_login(run):
    run.account("romeo")
    run.account("juliet")
    romeo = run.stack.enter_context(run.peer("romeo", "orchard"))
    juliet = run.stack.enter_context(run.peer("juliet", "balcony"))
    domain = romeo.client.boundjid.domain
    befriend(romeo, juliet)
    with run.step("ping"):
        assert romeo.call(lambda x: x["xep_0199"].ping(domain, timeout=60)) < 60
        assert romeo.call(lambda x: x["xep_0199"].ping(juliet.full, timeout=60)) < 60
    with run.step("disco: the server and the own account say what they are"):
        info = romeo.call(lambda x: x["xep_0030"].get_info(jid=domain))["disco_info"]
        assert ("server", "im") in [i[:2] for i in info["identities"]], info["identities"]
        needed = {"http://jabber.org/protocol/disco#info", "urn:xmpp:blocking", "vcard-temp",
                  "urn:xmpp:ping", "jabber:iq:private", "msgoffline"}
        equal(needed - set(info["features"]), set())
        account = romeo.call(lambda x: x["xep_0030"].get_info(jid=romeo.bare))["disco_info"]
        assert ("account", "registered") in [i[:2] for i in account["identities"]], account
        romeo.call(lambda x: x["xep_0030"].get_items(jid=domain))
    with run.step("disco of a contact's client"):
        info = romeo.call(lambda x: x["xep_0030"].get_info(jid=juliet.full))["disco_info"]
        assert "urn:xmpp:receipts" in info["features"], info
    with run.step("the vCard is set and read, by its owner and by a contact"):
        def publish(client):
            card = client["xep_0054"].make_vcard()
            card["FN"] = "Juliet Capulet \u2665"
            card["NICKNAME"] = "Jule"
            return client["xep_0054"].publish_vcard(card)
        juliet.call(publish)
        for reader in (juliet, romeo):
            card = reader.call(lambda x: x["xep_0054"].get_vcard(juliet.bare, local=False))["vcard_temp"]
            equal((card["FN"], card["NICKNAME"]), ("Juliet Capulet \u2665", ["Jule"]))
    with run.step("private storage gives back what was stored"):
        def store(client):
            iq = client.make_iq_set()
            query = ET.SubElement(iq.xml, "{jabber:iq:private}query")
            notes = ET.SubElement(query, "{storage:rosternotes}storage")
            ET.SubElement(notes, "{storage:rosternotes}note", jid=juliet.bare).text = "the sun"
            return iq.send()
        romeo.call(store)
        def load(client):
            iq = client.make_iq_get()
            query = ET.SubElement(iq.xml, "{jabber:iq:private}query")
            ET.SubElement(query, "{storage:rosternotes}storage")
            return iq.send()
        note = romeo.call(load).xml.find(".//{storage:rosternotes}note")
        equal((note.get("jid"), note.text), (juliet.bare, "the sun"))
    with run.step("version, time and last activity of the server"):
        version = romeo.call(lambda x: x["xep_0092"].get_version(domain))["software_version"]
        assert version["name"] and version["version"], version
        time = romeo.call(lambda x: x["xep_0202"].get_entity_time(domain))
        utc = datetime.fromisoformat(time.xml.find(".//{urn:xmpp:time}utc").text)
        assert abs(utc - datetime.now(timezone.utc)) < timedelta(minutes=5), time
        assert romeo.call(lambda x: x["xep_0012"].get_last_activity(domain))["last_activity"]["seconds"] >= 0
    with run.step("an unknown query is answered with an error"):
        def unknown(client):
            iq = client.make_iq_get(ito=domain)
            ET.SubElement(iq.xml, "{urn:example:unheard-of}query")
            return iq.send()
        equal(romeo.refused(unknown), "service-unavailable")


@scenario
def stream_management(run):
    run.account("romeo")
    run.account("juliet")
    juliet = run.stack.enter_context(run.peer("juliet", "balcony"))
    romeo = run.new_peer("romeo", "orchard")
    run.stack.callback(romeo.close)
    with run.step("slixmpp enables stream management"):
        enabled = []
        romeo.call(lambda x: x.register_plugin("xep_0198"))
        romeo.call(lambda x: x.add_event_handler("sm_enabled", lambda event: enabled.append(event)))
        romeo.log_in()
        romeo.go_online()
        equal([e["resume"] for e in enabled], [True])
    befriend(romeo, juliet)
    with run.step("what it sends is acknowledged"):
        acked = []
        romeo.call(lambda x: x.add_event_handler(
            "stanza_acked", lambda s: acked.append(s["body"]) if s.name == "message" else None))
        for n in range(10):
            romeo.say(juliet.bare, "line %d" % n)
        for n in range(10):
            juliet.gets_chat("line %d" % n, romeo.full)
        until("five acknowledgements", lambda: len(acked) >= 5)
        equal(acked, ["line %d" % n for n in range(len(acked))])
    with run.step("its contacts see nothing of a broken connection"):
        romeo.break_connection()
        for n in range(20):
            juliet.say(romeo.full, "while you were away %d" % n)
        equal(juliet.has_got(lambda s: s.name == "presence" and s["type"] == "unavailable"), [])
    with run.step("it resumes, and has lost nothing"):
        romeo.resume()
        got = [romeo.gets("message %d" % n, lambda s: s.name == "message")["body"] for n in range(20)]
        equal(got, ["while you were away %d" % n for n in range(20)])
        equal(romeo.has_got(lambda s: s.name == "message"), [])
    with run.step("it goes on as before"):
        romeo.say(juliet.bare, "I am here")
        juliet.gets_chat("I am here", romeo.full)
        juliet.say(romeo.bare, "I know")
        romeo.gets_chat("I know", juliet.full)
        equal(juliet.has_got(lambda s: s.name == "presence" and s["type"] == "unavailable"), [])
    with run.step("when it leaves its session ends"):
        romeo.log_out()
        juliet.gets_presence(romeo.full, "unavailable")


@scenario
def roster(run):
    run.account("romeo")
    run.account("juliet")
    romeo = run.stack.enter_context(run.peer("romeo", "orchard"))
    other = run.stack.enter_context(run.peer("romeo", "street"))
    friend = "mercutio@" + romeo.client.boundjid.domain
    with run.step("a change is pushed to all devices"):
        romeo.call(lambda x: x.update_roster(friend, name="Mercutio", groups=["Montague", "Kinsmen"]))
        for device in (romeo, other):
            push = device.gets("a roster push", roster_push(friend, "none"))
            item = push["roster"]["items"][friend]
            equal((item["name"], sorted(item["groups"])), ("Mercutio", ["Kinsmen", "Montague"]))
    with run.step("the devices see each other's presence"):
        other.send_presence(pshow="dnd")
        romeo.gets_presence(other.full, "dnd")
    with run.step("a removal is pushed to all devices"):
        other.call(lambda x: x.del_roster_item(friend))
        for device in (romeo, other):
            device.gets("a roster push", roster_push(friend, "remove"))


@scenario
def blocking(run):
    run.account("romeo")
    run.account("tybalt")
    romeo = run.stack.enter_context(run.peer("romeo", "orchard"))
    other = run.stack.enter_context(run.peer("romeo", "street"))
    tybalt = run.stack.enter_context(run.peer("tybalt", "sword"))
    befriend(romeo, tybalt)
    other.gets_presence(tybalt.full)
    tybalt.gets_presence(other.full)
    for device in (romeo, other):  # XEP-0191 3.3: only who has asked for the list gets pushes
        device.call(lambda x: x["xep_0191"].get_blocked())
    with run.step("who is blocked sees the blocker leave"):
        romeo.call(lambda x: x["xep_0191"].block(tybalt.bare))
        tybalt.gets_presence(romeo.full, "unavailable")
        tybalt.gets_presence(other.full, "unavailable")
    with run.step("the other device is told"):
        other.gets("a block push", lambda s: s.name == "iq" and s["type"] == "set"
                   and tybalt.bare in [str(j) for j in s["block"]["items"]])
        blocked = romeo.call(lambda x: x["xep_0191"].get_blocked())["blocklist"]["items"]
        equal([str(jid) for jid in blocked], [tybalt.bare])
    with run.step("a message of who is blocked is answered with an error and not delivered"):
        sent = tybalt.say(romeo.bare, "Thou art a villain")
        error = tybalt.gets("an error", lambda s: s.name == "message" and s["id"] == sent
                            and s["type"] == "error")
        equal(error["error"]["condition"], "service-unavailable")
        equal(romeo.has_got(lambda s: s.name == "message"), [])
    with run.step("a message to who is blocked is refused"):
        sent = romeo.say(tybalt.bare, "I see thee not")
        error = romeo.gets("an error", lambda s: s.name == "message" and s["id"] == sent
                           and s["type"] == "error")
        equal(error["error"]["condition"], "not-acceptable")
        assert error.xml.find(".//{urn:xmpp:blocking:errors}blocked") is not None, error
    with run.step("after unblocking presence and messages come through again"):
        romeo.call(lambda x: x["xep_0191"].unblock(tybalt.bare))
        tybalt.gets_presence(romeo.full)
        other.gets("an unblock push", lambda s: s.name == "iq" and s["type"] == "set"
                   and tybalt.bare in [str(j) for j in s["unblock"]["items"]])
        tybalt.say(romeo.full, "What wouldst thou have with me?")
        romeo.gets_chat("What wouldst thou have with me?")


@scenario
def wrong_password(run):
    run.account("romeo")
    with run.step("a wrong password and an unknown account are refused alike"):
        failures = []
        for user, password in (("romeo", "not this one"), ("nobody", "whatever")):
            client = run.new_peer(user)
            client.client.password = password
            try:
                client.log_in()
                raise AssertionError("%s was let in" % user)
            except AssertionError as error:
                failures.append(str(error).split(": ", 1)[1])
            finally:
                client.close()
        equal(failures[0], failures[1])
        assert "not-authorized" in failures[0], failures
    with run.step("the right password still works"):
        with run.peer("romeo"):
            pass
