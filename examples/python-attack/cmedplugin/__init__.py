"""A small library for attacks in Python: it speaks cmed's plugin protocol.

An attack is a function and a few words about it:

    def attack(args: dict, run: Run) -> None:
        if run.dry_run:
            run.info("dry run: nothing is done", path=args["path"])
            return
        run.record({"path": args["path"]}, f"remove {args['path']}")  # durable from here on
        Path(args["path"]).touch(exist_ok=False)                      # the harm

    def undo(args: dict, call: UndoCall) -> Answer:
        try:
            os.remove(call.record["path"])
        except FileNotFoundError:
            return Answer(Outcome.NOTHING_TO_DO)
        return Answer(Outcome.UNDONE)

    serve(Attack(ref="touch:Touch", args=SCHEMA, example={"path": "/tmp/x"},
                 run=attack, undo=undo, effect=Effect.UNDOABLE, dry_run=True))

What must hold on the wire is in docs/protocol.md of the project; this is one way
to do it. It needs gRPC and protobuf, but only under the daemon: not to describe
an attack and not to test one.
"""

from cmedplugin import schema
from cmedplugin.attack import Attack, Effect
from cmedplugin.errors import Failure, Invalid, NotRecorded, Stopped
from cmedplugin.program import serve
from cmedplugin.run import Answer, Outcome, Record, Run, Target, UndoCall

__all__ = [
    "Answer", "Attack", "Effect", "Failure", "Invalid", "NotRecorded", "Outcome",
    "Record", "Run", "Stopped", "Target", "UndoCall", "schema", "serve",
]
