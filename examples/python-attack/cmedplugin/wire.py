"""Between the protocol's messages and what an attack works with."""

from __future__ import annotations

import json
import traceback
from typing import Any

from cmedplugin import plugin_pb2 as pb
from cmedplugin.errors import Failure, Invalid
from cmedplugin.run import Start, text


def descriptor(offer: dict[str, Any]) -> pb.Descriptor:
    """An offer of the describe argument as the RPC answers it. The members have
    the same names; JSON documents are bytes, and enums have longer names."""
    fields = dict(offer)
    fields["kind"] = "KIND_" + offer["kind"].upper()
    fields["effect"] = "EFFECT_" + offer["effect"].upper()
    fields["schema"] = compact(offer["schema"])
    fields["examples"] = [compact(e) for e in offer["examples"]]
    return pb.Descriptor(**fields)


def compact(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def start_of(start: pb.Start) -> Start:
    return Start(
        run_id=start.run_id, seed=start.seed, dry_run=start.dry_run, plan_name=start.plan_name, name=start.name,
        due=start.due.ToMilliseconds() / 1000, timeout=start.timeout.ToMilliseconds() / 1000,
        grace=start.grace.ToMilliseconds() / 1000, zone=start.zone,
    )


def failure(error: BaseException) -> dict[str, str]:
    """The fields of a Failure. What the author didn't mean to raise brings its
    traceback."""
    if isinstance(error, Invalid):
        return {"message": text(str(error)), "pointer": text("/args" + error.pointer)}
    if isinstance(error, (Failure, OSError)):
        return {"message": text(str(error)) or type(error).__name__}
    return {
        "message": text(f"{type(error).__name__}: {error}"),
        "stack": text("".join(traceback.format_exception(type(error), error, error.__traceback__))),
    }
