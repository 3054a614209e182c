"""What an attack works with while it runs or undoes.

Everything that is told to the daemon goes through emit(kind, fields): kind is the
member of PluginMessage or UndoMessage, fields are its own. So nothing in here
knows how it is sent, and a test can listen.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

from cmedplugin.errors import NotRecorded, Stopped

Emit = Callable[[str, dict[str, Any]], None]


class Outcome(str, Enum):
    """What came of an undo."""

    UNDONE = "OUTCOME_UNDONE"
    NOTHING_TO_DO = "OUTCOME_NOTHING_TO_DO"  # the harm never happened, or is gone
    NOT_MINE = "OUTCOME_NOT_MINE"            # somebody else changed it since
    RETRY = "OUTCOME_RETRY"                  # not now; ask again later
    FAILED = "OUTCOME_FAILED"


class Answer(NamedTuple):
    """An outcome, with a word for people."""

    outcome: Outcome
    message: str = ""


class Target(NamedTuple):
    """One thing an attack hits."""

    id: str
    name: str = ""
    state: str = "selected"  # "selected", "hit", "skipped", …
    detail: dict[str, Any] | None = None

    def fields(self) -> dict[str, Any]:
        return {
            "id": text(self.id), "name": text(self.name), "state": text(self.state),
            "detail": document(self.detail) if self.detail else b"",
        }


class Call:
    """What a run and an undo have in common: a log, a seed, and an end."""

    def __init__(self, run_id: str, seed: int, emit: Emit) -> None:
        self.id = run_id  # of the run: stable and unique, so an idempotency token
        self.random = random.Random(seed)  # the same seed makes the same choices
        self._emit = emit
        self._end = threading.Condition()
        self._stopped: Stopped | None = None

    @property
    def stopped(self) -> Stopped | None:
        """Why the call is to end, if it is."""
        return self._stopped

    def stop(self, cause: Stopped) -> None:
        """Tells the call to end. Only the first cause counts."""
        with self._end:
            self._stopped = self._stopped or cause
            self._end.notify_all()

    def sleep(self, seconds: float) -> None:
        """Waits. Raises Stopped as soon as the call is to end."""
        with self._end:
            if self._end.wait_for(lambda: self._stopped, seconds):
                raise self._stopped  # type: ignore[misc]

    def debug(self, message: str, **fields: Any) -> None:
        self._log("DEBUG", message, fields)

    def info(self, message: str, **fields: Any) -> None:
        self._log("INFO", message, fields)

    def warn(self, message: str, **fields: Any) -> None:
        self._log("WARN", message, fields)

    def error(self, message: str, **fields: Any) -> None:
        self._log("ERROR", message, fields)

    def _log(self, level: str, message: str, fields: dict[str, Any]) -> None:
        self._emit("log", {
            "at": timestamp(time.time()), "level": "LOG_LEVEL_" + level, "message": text(message),
            "fields": json.dumps(fields, default=str).encode() if fields else b"",
        })


@dataclass(frozen=True)
class Start:
    """What is known of a run from its start."""

    run_id: str
    seed: int
    dry_run: bool = False
    plan_name: str = ""
    name: str = ""      # what the planner called this execution
    due: float = 0      # Unix time
    timeout: float = 0  # seconds until the daemon stops it
    grace: float = 0    # seconds from a stop to the end by force
    zone: str = "UTC"   # the engine's


class Run(Call):
    """An attack's handle on its run."""

    def __init__(self, start: Start, emit: Emit) -> None:
        super().__init__(start.run_id, start.seed, emit)
        self.start = start
        self.dry_run = start.dry_run
        self._order = threading.Lock()  # records go out in the order of their sequence
        self._sequence = 0
        self._answers: dict[int, str] = {}  # "": the record is durable
        self._hung_up = False

    def progress(self, percent: float, message: str = "") -> None:
        """Says how far it is: 0 to 100, or negative when that can't be told."""
        self._emit("progress", {"percent": percent, "message": text(message)})

    def targets(self, *targets: Target) -> None:
        """Says whom the run hits; of a target the last word counts."""
        self._emit("targets", {"targets": [t.fields() for t in targets]})

    def result(self, value: Any) -> None:
        """Sets the run's result; the last one counts."""
        self._emit("result", {"document": document(value)})

    def record(self, value: Any, description: str = "", undo_at: datetime | None = None) -> Record:
        """Has the daemon store how to take a harm back, and returns when that is
        durable: only then may the harm be done. NotRecorded is raised when it is
        not, and in a dry run; Stopped when the run is to end."""
        if self.dry_run:
            raise NotRecorded("a dry run stores no undo record: no harm may be done")
        if self._stopped:
            raise self._stopped
        fields = {"record": document(value), "description": text(description)}
        if undo_at is not None:
            fields["undo_at"] = timestamp(undo_at.timestamp())
        with self._order:
            self._sequence += 1
            sequence = self._sequence
            self._emit("undo", {"sequence": sequence, **fields})
        with self._end:
            self._end.wait_for(lambda: sequence in self._answers or self._hung_up)
            wrong = self._answers.get(sequence, "the daemon is gone before it answered")
        if wrong:
            raise NotRecorded(f"the undo record is not durable: {wrong}")
        return Record(self._emit, sequence)

    def acknowledge(self, sequence: int, error: str) -> None:
        """Takes in the daemon's answer to a record."""
        with self._end:
            self._answers[sequence] = error
            self._end.notify_all()

    def hang_up(self) -> None:
        """Says that no answer will come any more."""
        with self._end:
            self._hung_up = True
            self._end.notify_all()


class Record:
    """An undo record that is durable."""

    def __init__(self, emit: Emit, sequence: int) -> None:
        self._emit = emit
        self._sequence = sequence

    def undone(self, answer: Answer) -> None:
        """Reports that the run took the harm back itself. What is not reported is
        undone by a fresh process. It works after a stop, too."""
        self._emit("undone", {"sequence": self._sequence, "answer": answer_fields(answer)})


class UndoCall(Call):
    """What undo works from, besides the args. Nothing else is left of the run."""

    def __init__(self, run_id: str, seed: int, emit: Emit, record: Any = None, sequence: int = 1, attempt: int = 1) -> None:
        super().__init__(run_id, seed, emit)
        self.record = record
        self.sequence = sequence
        self.attempt = attempt


LONGEST_TEXT = 64 << 10


def text(value: str) -> str:
    """A text fit to be sent: of bounded length, and without lone surrogates."""
    return value.encode("utf-8", "replace")[:LONGEST_TEXT].decode("utf-8", "ignore")


def document(value: Any) -> bytes:
    """A value as JSON. ValueError or TypeError when it can't be written."""
    return json.dumps(value, allow_nan=False).encode()


def timestamp(unix: float) -> dict[str, int]:
    seconds, part = divmod(unix, 1)
    return {"seconds": int(seconds), "nanos": int(part * 1e9)}


def answer_fields(answer: Answer) -> dict[str, Any]:
    return {"outcome": answer.outcome.value, "message": text(answer.message)}
