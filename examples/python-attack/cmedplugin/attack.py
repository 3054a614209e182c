"""What an attack says of itself."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from cmedplugin.run import Answer, Run, Target, UndoCall

PROTOCOL = 1
LIBRARY = "cmedplugin-python/1.0.0"

Args = dict[str, Any]


class Effect(str, Enum):
    """What remains of an attack when it has run."""

    NONE = "none"
    SELF_LIMITING = "self_limiting"  # it ends by itself
    UNDOABLE = "undoable"            # undo takes it back
    IRREVERSIBLE = "irreversible"


@dataclass(frozen=True)
class Attack:
    """An attack as serve offers it."""

    ref: str                             # "module:Name"
    args: dict[str, Any]                 # the JSON Schema of the args
    example: Args                        # args that fit it
    run: Callable[[Args, Run], None]
    undo: Callable[[Args, UndoCall], Answer] | None = None
    # Whom it would hit now; what is drawn is what run.random draws in the run.
    targets: Callable[[Args, random.Random], list[Target]] | None = None
    # Looks at the args when a plan is made: returns warnings, raises Invalid.
    check: Callable[[Args], list[str]] | None = None
    title: str = ""
    description: str = ""
    version: str = ""
    effect: Effect = Effect.IRREVERSIBLE
    dry_run: bool = False                # it asks run.dry_run before it does harm
    aliases: list[str] = field(default_factory=list)
    env: list[str] = field(default_factory=list)    # variables it asks for
    watch: list[str] = field(default_factory=list)  # files this description depends on

    def describe(self) -> dict[str, Any]:
        """The offer as the describe argument prints it. Members that say nothing
        are left out."""
        said = {
            "ref": self.ref, "aliases": self.aliases, "kind": "attack", "title": self.title,
            "description": self.description, "version": self.version,
            "schema": {
                "type": "object", "properties": {"ref": {"type": "string"}, "args": self.args},
                "required": ["ref", "args"], "additionalProperties": False,
            },
            "examples": [{"ref": self.ref, "args": self.example}],
            "effect": self.effect.value, "can_undo": self.undo is not None, "can_dry_run": self.dry_run,
            "can_list_targets": self.targets is not None, "can_check": self.check is not None,
            "env": self.env, "watch": self.watch,
        }
        return {name: value for name, value in said.items() if value}


def description(attacks: tuple[Attack, ...]) -> dict[str, Any]:
    """What the plugin says of itself."""
    return {"protocol": PROTOCOL, "sdk": LIBRARY, "offers": [a.describe() for a in attacks]}
