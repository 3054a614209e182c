"""An attack that does what no attack should, to see that the library holds."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any

from cmedplugin import Answer, Attack, Effect, Invalid, Outcome, Run, UndoCall


def attack(args: dict[str, Any], run: Run) -> None:
    getattr(Odd, args["does"])(args.get("file", ""), run)


class Odd:
    """What it can do, by name."""

    @staticmethod
    def prints(_file: str, run: Run) -> None:
        print("1|1|unix|/tmp/elsewhere|grpc", flush=True)
        subprocess.run(["echo", "printed by a child"], check=True)
        run.debug("a level")
        run.warn("another level", pid=os.getpid(), wrong={1, 2})
        run.info("no valid text: \ud800")

    @staticmethod
    def breaks(_file: str, _run: Run) -> None:
        {}["missing"]  # pyright: ignore

    @staticmethod
    def exits(_file: str, _run: Run) -> None:
        sys.exit("goodbye")

    @staticmethod
    def floods(_file: str, run: Run) -> None:
        for i in range(5000):
            run.info("line", number=i)
        run.result("x" * (17 << 20))

    @staticmethod
    def ignores(file: str, run: Run) -> None:
        """Neither a stop nor the end of the daemon is heeded."""
        run.record(file, "remove the file")
        with open(file, "w", encoding="ascii") as f:
            f.write(str(os.getpid()))
        time.sleep(600)


def undo(args: dict[str, Any], call: UndoCall) -> Answer:
    if args.get("undo") and call.attempt == 1:
        raise Invalid("/undo", "not at the first attempt")
    try:
        os.remove(call.record)
    except FileNotFoundError:
        return Answer(Outcome.NOTHING_TO_DO)
    return Answer(Outcome.UNDONE, "removed")


ATTACK = Attack(
    ref="odd:Odd",
    args={
        "type": "object", "required": ["does"], "additionalProperties": False,
        "properties": {
            "does": {"type": "string", "enum": ["prints", "breaks", "exits", "floods", "ignores"]},
            "file": {"type": "string"},
            "undo": {"type": "boolean"},
        },
    },
    example={"does": "prints"},
    run=attack, undo=undo, effect=Effect.UNDOABLE,
)
