#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""Tests of hermodctl against a fake server.

    tests/cli/run.py [--build-dir FOLDER | --program PATH] [FILTER...]

hermodctl is taken from the build tree: the folder given, $HERMOD_BUILDDIR, or
the present folder.  A filter is a part of a test's name.  The last line is
"N passed, M failed".
"""

import argparse
import json
import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True
import fake_server

PROGRAM = None
TESTS = []


def test(function):
    TESTS.append(function)
    return function


class Result:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err


class Run:
    """One test's server, and ways to call hermodctl."""

    def __init__(self, folder):
        self.folder = folder
        self.server = fake_server.Server(folder)
        self.env = dict(os.environ, HERMOD_SOCKET=self.server.path, LC_ALL="C", TERM="dumb")

    def ctl(self, *args, stdin=b"", env=None):
        done = subprocess.run([PROGRAM, *args], input=stdin, capture_output=True, timeout=20,
                              env=env or self.env)
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def request(self):
        """The last request that was a command, but help."""
        commands = [r for r in self.server.requests if "command" in r and r["command"] != "help"]
        return commands[-1] if commands else None

    def terminal(self, *args, answers=(), send_signal=None):
        """In a terminal; each answer is typed when a prompt (text, then ": ") has come."""
        pid, fd = pty.fork()
        if pid == 0:
            os.execve(PROGRAM, [PROGRAM, *args], self.env)
        seen, answers, until = b"", list(answers), time.monotonic() + 10
        while time.monotonic() < until:
            if not select.select([fd], [], [], 0.1)[0]:
                continue
            try:
                data = os.read(fd, 4096)
            except OSError:
                break
            if not data:
                break
            seen += data
            if seen.endswith(b": ") and (answers or send_signal):
                if send_signal:
                    os.kill(pid, send_signal)
                    send_signal = None
                else:
                    os.write(fd, answers.pop(0) + b"\n")
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.close(fd)
        return Result(status, seen.decode(), "")


def equal(got, expected):
    if got != expected:
        raise AssertionError("got %r\n  expected %r" % (got, expected))


def contains(text, part):
    if part not in text:
        raise AssertionError("%r\n  does not contain %r" % (text, part))


# --- Output ---------------------------------------------------------------------


@test
def a_table_is_aligned_by_width_and_not_by_bytes(run):
    got = run.ctl("account", "list")
    equal(got.out,
          "JID                 SESSIONS  ONLINE  GROUPS  SEEN\n"
          "romeo@example.org         12  yes     a, b    -\n"
          "zażółć@example.org         3  no              now\n"
          "日本@example.org           0  no      c       x\n")
    equal((got.status, got.err), (0, ""))


@test
def json_is_one_object_per_row(run):
    got = run.ctl("--json", "account", "list")
    equal([json.loads(line) for line in got.out.splitlines()], fake_server.ACCOUNTS)
    equal(run.ctl("account", "list", "--json").out, got.out)


@test
def a_record_is_a_sheet(run):
    equal(run.ctl("status").out, "version   0.1\nuptime s  77\n\nversion   0.2\nuptime s  1\n")


@test
def raw_text_is_printed_as_it_is(run):
    equal(run.ctl("metrics").out, "# TYPE a counter\na_total 1\n# EOF\n")
    equal(json.loads(run.ctl("metrics", "--json").out.splitlines()[1]), {"text": "# EOF\n"})


@test
def a_message_is_shown_to_people_only(run):
    equal(run.ctl("account", "add", "a@b", stdin=b"x\n").out, "Account a@b is there.\n")
    equal(run.ctl("account", "add", "a@b", "--json", stdin=b"x\n").out, "")


@test
def text_of_strangers_cannot_play_with_the_terminal(run):
    got = run.ctl("hostile").out
    contains(got, "a\\x1b[2Jb\\nc\\x9bd\\u{202e}e")
    for bad in "\x1b\x07\u009b\u202e":
        equal(bad in got, False)


@test
def a_long_table_is_complete(run):
    lines = run.ctl("long").out.splitlines()
    equal(len(lines), 2501)
    equal(lines[2], "  1  x")
    equal(lines[-1], "2499")
    equal(lines[-2], "2498  xxxxxx")


# --- Commands -------------------------------------------------------------------


@test
def the_longest_command_wins(run):
    contains(run.ctl("show", "workers").out, "WORKER  QUEUE\n     0     10\n")
    equal(run.ctl("show").out, "show\n")


@test
def arguments_go_by_position_and_by_name(run):
    equal(run.ctl("log", "level", "debug", "store", "--for=5 min", "--lines", "-3", "--keep",
                  "yes").status, 0)
    equal(run.request()["args"],
          {"level": "debug", "subject": "store", "for": "5 min", "lines": -3, "keep": True})
    run.ctl("log", "--subject", "net", "level", "info", "5 min")
    equal(run.request()["args"], {"level": "info", "subject": "net", "for": "5 min"})


@test
def host_is_an_argument_that_may_stand_first(run):
    equal(run.ctl("--host", "example.org", "account", "list").status, 0)
    equal(run.request()["args"], {"host": "example.org"})
    got = run.ctl("--host", "example.org", "status")
    equal(got.status, 2)
    contains(got.err, '"status" has no --host')


@test
def the_last_argument_may_be_many(run):
    run.ctl("account", "remove", "a@b", "c@d")
    equal(run.request()["args"], {"jid": ["a@b", "c@d"]})
    equal(run.ctl("account", "remove").status, 2)


@test
def what_begins_with_a_dash_needs_two_before(run):
    run.ctl("account", "remove", "--", "--jid")
    equal(run.request()["args"], {"jid": ["--jid"]})
    contains(run.ctl("account", "remove", "-x").err, "unknown option -x")


@test
def wrong_arguments_never_reach_the_server(run):
    for args, part in [
            (["log", "level", "loud"], 'level cannot be "loud"; expected debug|info'),
            (["log", "level", "info", "--lines", "x"], "expected a whole number"),
            (["log", "level", "info", "--keep", "x"], "expected yes or no"),
            (["log", "level"], "level is missing"),
            (["status", "now"], '"now" is one argument too many'),
            (["status", "--since", "1"], '"status" has no --since'),
            (["account", "list", "--host"], "--host needs a value"),
            (["--timeout", "soon", "status"], "expected a number of seconds")]:
        got = run.ctl(*args)
        equal((got.status, got.out), (2, ""))
        contains(got.err, part)
    equal(run.request(), None)


@test
def an_unknown_command_is_refused_and_a_half_one_explained(run):
    got = run.ctl("brew", "coffee")
    equal(got.status, 2)
    contains(got.err, 'Unknown command "brew"')
    got = run.ctl("account")
    equal((got.status, got.out), (2, ""))
    contains(got.err, "account add JID")
    contains(got.err, "Create many accounts.")


@test
def help_comes_from_the_server(run):
    got = run.ctl("help")
    equal(got.status, 0)
    contains(got.out, "usage: hermodctl")
    contains(got.out, "account remove JID...")
    equal("secretly" in got.out, False)
    got = run.ctl("help", "log", "level")
    contains(got.out, "usage: hermodctl log level debug|info [SUBJECT] [FOR] [LINES] [KEEP]")
    contains(run.ctl("account", "add", "--help").out, "Password of the account.")
    equal(run.ctl("help", "brew").status, 2)
    equal(run.ctl("secretly").status, 0)


@test
def without_a_command_there_is_help_and_a_usage_error(run):
    got = run.ctl()
    equal(got.status, 2)
    contains(got.out, "Commands of this server:")


@test
def the_version_needs_no_server(run):
    run.server.close()
    got = run.ctl("--version")
    equal(got.status, 0)
    contains(got.out, "hermodctl ")


# --- Secrets --------------------------------------------------------------------


@test
def a_secret_is_never_taken_from_the_command_line(run):
    for args in [["--password", "hunter2"], ["--password=hunter2"], ["hunter2"]]:
        got = run.ctl("account", "add", "a@b", *args)
        equal(got.status, 2)
    equal(run.request(), None)


@test
def a_secret_is_read_from_standard_input(run):
    equal(run.ctl("account", "add", "a@b", stdin="pässword\n".encode()).status, 0)
    equal(run.request()["args"], {"jid": "a@b", "password": "pässword"})
    got = run.ctl("account", "add", "a@b")
    equal(got.status, 6)
    contains(got.err, "password is missing")
    equal(run.ctl("account", "add", "a@b", stdin=b"\xff\n").status, 6)


@test
def a_terminal_is_asked_twice_and_does_not_echo(run):
    got = run.terminal("account", "add", "a@b", answers=[b"hunter2", b"hunter2"])
    equal(got.status, 0)
    contains(got.out, "Password of the account: ")
    equal("hunter2" in got.out, False)
    equal(run.request()["args"]["password"], "hunter2")


@test
def two_different_entries_are_refused(run):
    got = run.terminal("account", "add", "a@b", answers=[b"hunter2", b"hunter3"])
    equal(got.status, 6)
    contains(got.out, "differ")
    equal(run.request(), None)


@test
def a_signal_at_the_prompt_ends_it(run):
    got = run.terminal("account", "add", "a@b", send_signal=signal.SIGINT)
    equal(got.status, 130)
    equal(run.request(), None)


# --- Lines ----------------------------------------------------------------------


@test
def lines_are_streamed_from_standard_input(run):
    got = run.ctl("account", "import", stdin=b"a,1\r\nb bad,2\n\nlast")
    equal((got.status, got.out), (0, "LINE  ERROR\n   2  is bad\n4 lines, 14 characters.\n"))
    equal([r["line"] for r in run.server.requests if "line" in r], ["a,1", "b bad,2", "", "last"])
    equal(run.request()["args"], {"file": True})


@test
def lines_come_from_a_file_that_is_named(run):
    path = os.path.join(run.folder, "accounts.csv")
    with open(path, "w") as file:
        file.write("a,1\nb,2\n")
    equal(run.ctl("account", "import", path, "csv").out, "2 lines, 6 characters.\n")
    equal(run.request()["args"], {"file": True, "format": "csv"})
    got = run.ctl("account", "import", os.path.join(run.folder, "missing"))
    equal(got.status, 6)
    contains(got.err, "No such file")


@test
def many_lines_pass_while_rows_come_back(run):
    got = run.ctl("account", "import", stdin=b"some bad line\n" * 30000)
    equal(got.status, 0)
    equal(got.out.splitlines()[-1], "30000 lines, 390000 characters.")


@test
def a_server_that_gives_up_early_is_heard(run):
    got = run.ctl("import", "slow", stdin=b"line\n" * 100000)
    equal(got.status, 1)
    contains(got.err, "Too many lines.")


@test
def a_line_that_is_no_text_or_too_long_is_refused(run):
    got = run.ctl("account", "import", stdin=b"good\nb\xffd\n")
    equal(got.status, 6)
    contains(got.err, "Line 2 of the input")
    equal(run.ctl("account", "import", stdin=b"x" * 70000 + b"\n").status, 6)
    equal(run.ctl("account", "import", stdin=b"x" * 300000).status, 6)


# --- Streams and signals ----------------------------------------------------------


@test
def events_are_shown_as_they_come_and_ctrl_c_cancels(run):
    child = subprocess.Popen([PROGRAM, "--timeout", "0.2", "trace", "a@b"], env=run.env,
                             stdout=subprocess.PIPE)
    lines = [child.stdout.readline().decode() for _ in range(2)]
    equal(lines, ["T1  in  <presence/>\n", "T2  out  a\\nb\n"])
    time.sleep(0.4)
    equal(child.poll(), None)
    child.send_signal(signal.SIGINT)
    equal(child.wait(5), 0)
    child.stdout.close()
    equal(run.server.wait_for("cancel")["cancel"], True)


@test
def a_second_signal_does_not_wait_for_the_server(run):
    child = subprocess.Popen([PROGRAM, "hang"], env=run.env, stderr=subprocess.DEVNULL)
    while run.request() is None:
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    equal(run.server.wait_for("cancel")["cancel"], True)
    child.send_signal(signal.SIGINT)
    equal(child.wait(5), 130)


@test
def a_reader_that_leaves_ends_it(run):
    child = subprocess.Popen("%s long | head -n 1" % PROGRAM, shell=True, env=run.env,
                             stdout=subprocess.PIPE)
    equal(child.communicate(timeout=10)[0], b"  N  TEXT\n")


# --- Failures ---------------------------------------------------------------------


@test
def exit_codes_tell_what_happened(run):
    equal(run.ctl("refuse", "not-found").status, 1)
    equal(run.ctl("refuse", "usage").status, 2)
    equal(run.ctl("hangup").status, 3)
    equal(run.ctl("--timeout", "0.3", "hang").status, 4)
    equal(run.ctl("nonsense").status, 5)
    equal(run.ctl("open").status, 5)
    got = run.ctl("--socket", run.folder + "/nothing", "status")
    equal(got.status, 3)
    contains(got.err, "is the server running?")


@test
def errors_are_sentences_or_json(run):
    equal(run.ctl("refuse", "denied").err, "hermodctl: No, it is not.\n")
    equal(json.loads(run.ctl("refuse", "denied", "--json").err),
          {"error": "No, it is not.", "code": "denied"})
    equal(json.loads(run.ctl("--json", "brew").err)["code"], "usage")


@test
def a_full_disk_is_not_success(run):
    with open("/dev/full", "w") as full:
        done = subprocess.run([PROGRAM, "account", "list"], env=run.env, stdout=full,
                              stderr=subprocess.PIPE)
    equal(done.returncode, 6)


# --- Completion -------------------------------------------------------------------


def completed(run, *words):
    got = run.ctl("--complete", *words)
    equal((got.status, got.err), (0, ""))
    return got.out.split()


@test
def commands_are_completed_word_by_word(run):
    contains(completed(run, ""), "account")
    contains(completed(run, ""), "help")
    equal("secretly" in completed(run, ""), False)
    equal(completed(run, "acc"), ["account"])
    equal(completed(run, "account", ""), ["add", "import", "list", "remove"])
    equal(completed(run, "help", "account", "l"), ["list"])
    equal(completed(run, "--host", "x", "sta"), ["status"])
    equal(completed(run, "completion", ""), ["bash"])


@test
def values_are_completed_by_choice_and_by_the_server(run):
    equal(completed(run, "log", "level", ""), ["debug", "info"])
    equal(completed(run, "account", "remove", "rom"), ["romeo@example.org"])
    equal(run.request()["args"], {"command": "account remove", "arg": "jid", "prefix": "rom"})
    equal(completed(run, "account", "remove", "a@b", "rom"), ["romeo@example.org"])
    equal(completed(run, "log", "level", "--level", "de"), ["debug"])
    equal(completed(run, "log", "level", "debug", "--k"), ["--keep"])
    contains(completed(run, "account", "list", "--"), "--host")


@test
def without_a_server_nothing_is_offered(run):
    run.server.close()
    os.unlink(run.server.path)
    equal(completed(run, "account", ""), [])
    equal(completed(run, "hel"), ["help"])


@test
def the_bash_script_works_in_bash(run):
    script = run.ctl("completion", "bash").out
    for line, expected in [("hermodctl acc", "account"),
                           ("hermodctl log level ", "debug info"),
                           ("hermodctl account remove romeo@ex", "example.org")]:
        done = subprocess.run(
            ["bash", "-c", script + 'COMP_LINE="$1"; COMP_POINT=${#1}; _hermodctl; echo "${COMPREPLY[@]}"',
             "bash", line], env=dict(run.env, PATH=os.path.dirname(PROGRAM) + ":" + os.environ["PATH"]),
            capture_output=True)
        equal(done.stdout.decode().strip(), expected)
    equal(run.ctl("completion", "fish").status, 2)


def main():
    global PROGRAM
    parser = argparse.ArgumentParser()
    parser.add_argument("--build-dir", default=os.environ.get("HERMOD_BUILDDIR", "."))
    parser.add_argument("--program")
    parser.add_argument("filters", nargs="*")
    args = parser.parse_args()
    PROGRAM = os.path.abspath(args.program or os.path.join(args.build_dir, "cli", "hermodctl"))
    passed = failed = 0
    for function in TESTS:
        if args.filters and not any(f in function.__name__ for f in args.filters):
            continue
        with tempfile.TemporaryDirectory() as folder:
            run = Run(folder)
            try:
                function(run)
                passed += 1
            except Exception as error:
                failed += 1
                print("FAILED %s" % function.__name__)
                if isinstance(error, AssertionError) and error.args:
                    print("  %s" % error)
                else:
                    traceback.print_exc(file=sys.stdout)
            run.server.close()
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
