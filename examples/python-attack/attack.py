"""The attack: processes are frozen for a while, as by a machine that swaps.

Each process gets SIGSTOP. It is let go with SIGCONT when the time is over, when
the run is stopped, or, should this process be killed meanwhile, by a fresh one
that works from the undo record.
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from cmedplugin import Answer, Attack, Effect, Failure, Invalid, Outcome, Run, Target, UndoCall, schema

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {
            "type": "string", "minLength": 1, "maxLength": 15,
            "description": "Name of the processes to choose from, as in /proc/PID/comm (ps -o comm).",
            "x-ui": {"order": 1, "group": "Targets"},
        },
        "count": {
            "type": "integer", "minimum": 1, "maximum": 100, "default": 1,
            "description": "How many of them are frozen at most, chosen at random.",
            "x-ui": {"order": 2, "group": "Targets"},
        },
        "seconds": {
            "type": "number", "minimum": 0, "maximum": 3600, "default": 10,
            "description": "How long they are frozen.",
            "x-ui": {"order": 3, "unit": "s"},
        },
    },
    "required": ["name"],
    "additionalProperties": False,
}

# An undo record: the fields of a Process.
RECORD = {
    "type": "object",
    "properties": {
        "pid": {"type": "integer", "minimum": 2},
        "started": {"type": "integer"},
        "boot": {"type": "string"},
        "name": {"type": "string"},
    },
    "required": ["pid", "started", "boot", "name"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Process:
    """A process, told apart from a later one that got its number: by when it
    started, in ticks since the boot, and by the boot. It is its own undo record."""

    pid: int
    started: int
    boot: str
    name: str = field(compare=False)

    def target(self, state: str) -> Target:
        return Target(str(self.pid), self.name, state)

    def freeze(self) -> None:
        with self._held() as fd:
            signal.pidfd_send_signal(fd, signal.SIGSTOP)

    def thaw(self) -> Answer:
        """Lets the process go on. It may be called at any time, and again."""
        try:
            with self._held() as fd:
                frozen = state_of(self.pid) == "T"
                # Sent in any case: a stop may be under way that doesn't show yet.
                signal.pidfd_send_signal(fd, signal.SIGCONT)
        except ProcessLookupError:
            return Answer(Outcome.NOTHING_TO_DO, f"{self} has ended")
        except OSError as e:
            return Answer(Outcome.RETRY, f"{self} can't be told to go on: {e}")
        if not frozen:
            return Answer(Outcome.NOTHING_TO_DO, f"{self} was not frozen")
        return Answer(Outcome.UNDONE, f"{self} goes on")

    @contextmanager
    def _held(self) -> Iterator[int]:
        """A descriptor of this very process: what is done by it can't hit another
        one, whatever happens meanwhile. ProcessLookupError when it has ended."""
        fd = os.pidfd_open(self.pid)
        try:
            if look_at(self.pid) != self:
                raise ProcessLookupError(f"{self} has ended")
            yield fd
        finally:
            os.close(fd)

    def __str__(self) -> str:
        return f"process {self.pid} ({self.name})"


def stat_of(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on; none when the process is
    gone. The name before them may contain anything, parentheses too."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            return f.read().rpartition(")")[2].split()
    except OSError:
        return []


def state_of(pid: int) -> str:
    return (stat_of(pid) or [""])[0]


def look_at(pid: int) -> Process | None:
    """The process with this number, None if there is none."""
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as f:
            name = f.read().rstrip("\n")
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as f:
            boot = f.read().strip()
        return Process(pid, int(stat_of(pid)[19]), boot, name)
    except (OSError, IndexError):
        return None


def may_signal(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def choose(args: dict[str, Any], chance: random.Random) -> list[Process]:
    """The processes to freeze: never this one, nor the daemon, nor init, and none
    that is stopped already, for that is somebody else's doing."""
    spared = {1, os.getpid(), os.getppid()}
    numbers = sorted({int(entry) for entry in os.listdir("/proc") if entry.isdigit()} - spared)
    found = [p for p in map(look_at, numbers) if p and p.name == args["name"]]
    fit = [p for p in found if may_signal(p.pid) and state_of(p.pid) in ("R", "S", "D", "I")]
    if not fit:
        why = "that may be frozen and isn't yet" if found else "now"
        raise Invalid("/name", f"no process is called {args['name']} {why}")
    return sorted(chance.sample(fit, min(args["count"], len(fit))), key=lambda p: p.pid)


def freeze(args: dict[str, Any], run: Run) -> None:
    """The attack."""
    chosen = choose(args, run.random)
    run.targets(*[p.target("selected") for p in chosen])
    if run.dry_run:
        for p in chosen:
            run.info("dry run: the process is not frozen", pid=p.pid, seconds=args["seconds"])
        return
    frozen, left = [], []
    try:
        for p in chosen:
            record = run.record(asdict(p), f"let {p} go on")
            frozen.append((p, record))
            p.freeze()
            run.targets(p.target("hit"))
            run.info("frozen", pid=p.pid, name=p.name)
        for tenth in range(10):
            run.progress(tenth * 10, f"{len(frozen)} frozen")
            run.sleep(args["seconds"] / 10)
    finally:
        for p, record in reversed(frozen):  # one that fails doesn't keep the others
            answer = p.thaw()
            record.undone(answer)
            if answer.outcome is Outcome.RETRY:
                left.append(answer.message)
    if left:  # after a run that failed, the daemon undoes what is left
        raise Failure("; ".join(left))
    run.progress(100)
    run.result({"frozen": [p.pid for p, _ in frozen], "seconds": args["seconds"]})


def thaw(_args: dict[str, Any], call: UndoCall) -> Answer:
    """The undo, in a fresh process."""
    answer = Process(**schema.read(call.record, RECORD)).thaw()
    call.info("thawed", outcome=answer.outcome.name, attempt=call.attempt)
    return answer


def targets(args: dict[str, Any], chance: random.Random) -> list[Target]:
    """Whom the attack would hit now."""
    return [p.target("selected") for p in choose(args, chance)]


def check(args: dict[str, Any]) -> list[str]:
    """What to know when a plan is made: the processes may well come later."""
    try:
        choose(args, random.Random())
    except Invalid as e:
        return [str(e)]
    return []


ATTACK = Attack(
    ref="freeze_process:FreezeProcess",
    title="Freeze a process",
    description="Stops processes of a name (SIGSTOP), holds them and lets them go on (SIGCONT).",
    version="1.0.0",
    args=SCHEMA,
    example={"name": "nginx", "count": 1, "seconds": 10},
    run=freeze, undo=thaw, targets=targets, check=check,
    effect=Effect.UNDOABLE, dry_run=True,
)
