"""Tests the attack without cmed: real processes are frozen, and what the run says
is listened to. gRPC is not needed."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
import unittest
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

from attack import ATTACK, Process, choose, look_at, state_of
from cmedplugin import Failure, Invalid, NotRecorded, Outcome, Stopped, UndoCall, schema
from cmedplugin.attack import description
from cmedplugin.life import seconds
from cmedplugin.run import Run, Start

NAME = f"frz{random.randrange(10**9)}"  # nobody else's processes are called that


class Recorded:
    """A run whose words are kept, and whose records are answered at once."""

    def __init__(self, refusal: str = "", stop_when: str = "", **start: Any) -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.states: list[str] = []  # of the victims, whenever something is said
        self.victims: list[int] = []
        self.run = Run(Start(run_id="1", seed=1, **start), self.hear)
        self._refusal = refusal
        self._stop_when = stop_when

    def hear(self, kind: str, fields: dict[str, Any]) -> None:
        self.said.append((kind, fields))
        self.states.append("".join(state_of(pid) for pid in self.victims))
        if kind == "undo":
            self.run.acknowledge(fields["sequence"], self._refusal)
        if kind == self._stop_when:
            self.run.stop(Stopped("halted", "enough"))

    def all(self, kind: str) -> list[dict[str, Any]]:
        return [fields for k, fields in self.said if k == kind]


class FreezeTest(unittest.TestCase):
    def setUp(self) -> None:
        if not sys.platform.startswith("linux"):
            self.skipTest("the attack works on Linux only")

    def victim(self) -> int:
        """A process of our own under NAME."""
        code = f"import time; open('/proc/self/comm', 'w').write('{NAME}'); print(flush=True); time.sleep(600)"
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        assert process.stdout
        self.addCleanup(process.stdout.close)
        process.stdout.readline()
        return process.pid

    def await_state(self, pid: int, states: str) -> None:
        deadline = time.monotonic() + 10
        while state_of(pid) not in states:
            self.assertLess(time.monotonic(), deadline, f"process {pid} does not get into {states}")
            time.sleep(0.005)

    def test_it_freezes_and_lets_go(self) -> None:
        pids = sorted([self.victim(), self.victim()])
        r = Recorded()
        ATTACK.run({"name": NAME, "count": 2, "seconds": 0.2}, r.run)
        for pid in pids:
            self.await_state(pid, "RS")
        self.assertEqual([f["sequence"] for f in r.all("undo")], [1, 2])
        self.assertEqual([f["sequence"] for f in r.all("undone")], [2, 1])
        self.assertEqual({f["answer"]["outcome"] for f in r.all("undone")}, {"OUTCOME_UNDONE"})
        self.assertIn(f'"frozen": {pids}'.encode(), r.all("result")[0]["document"])

    def test_the_record_comes_first(self) -> None:
        r = Recorded(refusal="no room")
        r.victims = [self.victim()]
        with self.assertRaisesRegex(NotRecorded, "no room"):
            ATTACK.run({"name": NAME, "count": 1, "seconds": 0}, r.run)
        self.assertNotIn("T", r.states)
        self.assertEqual(len(r.all("undo")), 1)

    def test_a_stop_lets_go(self) -> None:
        r = Recorded(stop_when="progress")
        r.victims = [self.victim()]
        with self.assertRaises(Stopped):
            ATTACK.run({"name": NAME, "count": 1, "seconds": 600}, r.run)
        self.await_state(r.victims[0], "RS")
        self.assertEqual(len(r.all("undone")), 1)

    def test_one_that_does_not_thaw_keeps_no_other_frozen(self) -> None:
        pids = sorted([self.victim(), self.victim()])
        send = signal.pidfd_send_signal

        def refuse(fd: int, number: int) -> None:
            if number == signal.SIGCONT and f"Pid:\t{pids[1]}\n" in Path(f"/proc/self/fdinfo/{fd}").read_text(encoding="ascii"):
                raise PermissionError(1, "Operation not permitted")
            send(fd, number)

        r = Recorded()
        with mock.patch("signal.pidfd_send_signal", refuse), self.assertRaisesRegex(Failure, "not permitted"):
            ATTACK.run({"name": NAME, "count": 2, "seconds": 0.1}, r.run)
        self.await_state(pids[0], "RS")
        self.assertEqual(state_of(pids[1]), "T")
        self.assertEqual(
            [(f["sequence"], f["answer"]["outcome"]) for f in r.all("undone")], [(2, "OUTCOME_RETRY"), (1, "OUTCOME_UNDONE")])

    def test_a_dry_run_freezes_nothing(self) -> None:
        r = Recorded(dry_run=True)
        r.victims = [self.victim()]
        ATTACK.run({"name": NAME, "count": 1, "seconds": 600}, r.run)
        self.assertEqual([kind for kind, _ in r.said], ["targets", "log"])
        self.assertNotIn("T", r.states)
        with self.assertRaises(NotRecorded):
            r.run.record({})

    def test_undo_at_any_time(self) -> None:
        pid = self.victim()
        process = look_at(pid)
        assert process and ATTACK.undo

        def undo(p: Process) -> Outcome:
            return ATTACK.undo({}, UndoCall("1", 1, lambda *_: None, record=vars(p))).outcome

        self.assertEqual(undo(process), Outcome.NOTHING_TO_DO)  # it never happened
        process.freeze()
        self.await_state(pid, "T")
        other = replace(process, started=process.started + 1)  # a later process with its number
        self.assertEqual(undo(other), Outcome.NOTHING_TO_DO)
        self.assertEqual(state_of(pid), "T")
        self.assertEqual(undo(process), Outcome.UNDONE)
        self.await_state(pid, "RS")
        self.assertEqual(undo(process), Outcome.NOTHING_TO_DO)  # twice

    def test_a_record_of_something_else_is_refused(self) -> None:
        assert ATTACK.undo
        for record in (None, "x", {}, {"pid": 1, "started": 0, "boot": "", "name": ""}, {"pid": "2", "started": 0, "boot": "", "name": ""}):
            with self.subTest(record), self.assertRaises(Invalid):
                ATTACK.undo({}, UndoCall("1", 1, lambda *_: None, record=record))

    def test_what_is_stopped_already_is_left_alone(self) -> None:
        pid = self.victim()
        process = look_at(pid)
        assert process
        process.freeze()
        self.await_state(pid, "T")
        with self.assertRaisesRegex(Invalid, "isn't yet"):
            choose({"name": NAME, "count": 1}, random.Random(1))
        process.thaw()

    def test_the_seed_decides(self) -> None:
        for _ in range(4):
            self.victim()
        args = {"name": NAME, "count": 2}
        assert ATTACK.targets
        listed = [t.id for t in ATTACK.targets(args, random.Random(7))]
        self.assertEqual([str(p.pid) for p in choose(args, random.Random(7))], listed)
        self.assertEqual(len(listed), 2)

    def test_nobody_is_called_that(self) -> None:
        assert ATTACK.check
        with self.assertRaises(Invalid) as raised:
            ATTACK.run({"name": NAME, "count": 1, "seconds": 0}, Recorded().run)
        self.assertEqual(raised.exception.pointer, "/name")
        self.assertEqual(ATTACK.check({"name": NAME, "count": 1}), [f"no process is called {NAME} now"])


class LibraryTest(unittest.TestCase):
    def test_the_example_fits(self) -> None:
        self.assertEqual(schema.read({"name": "nginx"}, ATTACK.args), ATTACK.example)
        self.assertEqual(description((ATTACK,))["offers"][0]["ref"], "freeze_process:FreezeProcess")

    def test_args_that_do_not_fit(self) -> None:
        for args, pointer in [
            ({}, "/name"), ({"name": ""}, "/name"), ({"name": "x" * (1 << 20)}, "/name"), ({"name": 1}, "/name"),
            ({"name": "x", "count": True}, "/count"), ({"name": "x", "count": 1.5}, "/count"),
            ({"name": "x", "count": 0}, "/count"), ({"name": "x", "seconds": 1e308}, "/seconds"),
            ({"name": "x", "a/b~c": 1}, "/a~1b~0c"), ([], ""), (None, ""),
        ]:
            with self.subTest(str(args)[:40]), self.assertRaises(Invalid) as raised:
                schema.read(args, ATTACK.args)
            self.assertEqual(raised.exception.pointer, pointer)
            self.assertLess(len(str(raised.exception)), 200)

    def test_durations(self) -> None:
        for duration, want in {"10s": 10, "1m30s": 90, "1h0m0.5s": 3600.5, "250ms": 0.25, "": 10, None: 10, "soon": 10}.items():
            self.assertEqual(seconds(duration), want)

    def test_a_daemon_that_is_gone_stores_nothing(self) -> None:
        run = Run(Start(run_id="1", seed=1), lambda *_: None)
        run.hang_up()
        with self.assertRaisesRegex(NotRecorded, "gone"):
            run.record({})


if __name__ == "__main__":
    unittest.main()
