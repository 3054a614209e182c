"""How an attack fails. What is raised and isn't one of these, nor an OSError, is
taken for a fault in the code: its traceback goes to the daemon with it."""

from __future__ import annotations


class Failure(Exception):
    """The attack failed, for a reason that its words tell."""


class Invalid(Failure):
    """Something is wrong with the args. The pointer is a JSON pointer into them,
    such as "/name"; "" means the args as a whole."""

    def __init__(self, pointer: str, message: str) -> None:
        super().__init__(message)
        self.pointer = pointer


class Stopped(Failure):
    """The call is to end: undo what can be undone and return."""

    def __init__(self, cause: str, reason: str = "") -> None:
        super().__init__(": ".join(filter(None, ["stopped", cause, reason])))
        self.cause = cause


class NotRecorded(Failure):
    """The undo record is not durable, so the harm must not be done."""
