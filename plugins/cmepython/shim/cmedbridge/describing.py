"""What the classes in the modules say of themselves."""

import datetime
import inspect
import json
import re
import sys
import time

from cmedbridge import modules, wire

EFFECTS = ("none", "self_limiting", "irreversible")


def describe(folder, base, seconds):
    """Send an offer for each class, and a warning for all that is wrong.

    A module has at most half of the time that is left, so that one that hangs
    doesn't keep the others out.
    """
    deadline = time.monotonic() + seconds
    for name, file in modules.files(folder).items():
        wire.send(looking=file)
        limit = (deadline - time.monotonic()) / 2
        try:
            with modules.time_limit(limit):
                module = modules.load(folder, name)
                for klass in modules.classes(module, base):
                    _offer(file, module, klass, base)
        except modules.TooSlow:
            warn(file, "it can't be imported within {:.1f}s; a module must do its work in run() or plan()".format(limit))
        except wire.Terminated:
            raise
        except BaseException as error:
            warn(file, "it can't be imported: " + modules.words(error, folder) + _remedy(error, folder))


def warn(place, text):
    """Send a warning about a file or a class in one."""
    wire.send(warning="{}: {}".format(place, text))


def _remedy(error, folder):
    """Say what to do about an import that failed."""
    if not isinstance(error, ImportError) or not error.name:
        return ""
    name = error.name.partition(".")[0]
    beside = modules.named(folder).get(name)
    if beside and name in getattr(sys, "stdlib_module_names", ()):  # of Python 3.10
        return "; rename {}: it hides Python's own {}".format(beside, name)
    if not isinstance(error, ModuleNotFoundError):
        return ""
    if beside:
        return "; {0} is {1} in the folder of modules: rename that if it hides another {0}".format(name, beside)
    return "; install {} for this python3, or put it beside the module".format(name)


def _offer(file, module, klass, base):
    place = "{}, class {}".format(file, klass.__name__)
    if not isinstance(klass.ref, str) or not klass.ref:
        if klass.ref is not None or _has_code(klass, base):
            warn(place, 'it is not offered: it has no ref; add ref = "{}:{}"'.format(module.__name__, klass.__name__))
        return  # else it is only a base for others
    schema, example = (_plain(place, what, getattr(klass, what)) for what in ("schema", "example"))
    if not isinstance(schema, dict):
        warn(place, "it has no schema that is a dict: any config is accepted")
        schema = {"type": "object"}
    if hasattr(base, "plan") and _is_of_args(schema):
        schema, example = _whole(schema, example)
    if isinstance(example, dict):  # CME didn't look at its ref
        example["ref"] = klass.ref if ":" in klass.ref else ":".join(klass.ref.rsplit(".", 1))
    if example is None:
        warn(place, "it has no example")
    wire.send(offer={
        "file": file, "module": module.__name__, "class": klass.__name__, "ref": klass.ref, "inherits": "ref" not in vars(klass),
        "schema": schema, "example": example, "title": _title(klass.__name__),
        "description": inspect.cleandoc(klass.__doc__ or module.__doc__ or "")[:4096],
        "version": _version(klass, module), "effect": _effect(place, klass),
        "dry_run": getattr(klass, "dry_run", False) is True,
        "env": _variables(place, klass),
    })


def _is_of_args(schema):
    """Say whether a planner's schema is of its args: CME validated those alone."""
    members, required = schema.get("properties"), schema.get("required")
    named = list(members) if isinstance(members, dict) else []
    named += required if isinstance(required, list) else []
    return bool(named) and "ref" not in named and "args" not in named


def _whole(schema, example):
    whole = {"type": "object", "properties": {"ref": {"type": "string"}, "args": schema}}
    if schema.get("required"):
        whole["required"] = ["args"]
    if isinstance(example, dict) and "args" not in example:
        example = {"ref": None, "args": example}
    return whole, example


def _has_code(klass, base):
    return any(getattr(klass, name, None) is not getattr(base, name, None) for name in ("run", "plan"))


def _plain(place, what, value):
    """Return the value as JSON would have it, None if it can't be."""
    def text_of(odd):
        if isinstance(odd, (datetime.date, datetime.time)):
            return odd.isoformat()
        if isinstance(odd, (set, frozenset)):
            return sorted(odd)
        raise TypeError("a {} is nothing that JSON has".format(type(odd).__name__))

    try:
        return json.loads(json.dumps(value, default=text_of, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        warn(place, "its {} can't be written as JSON: {}".format(what, error))
        return None


def _title(name):
    """Return a class name in words: TerminateEC2Instance, Terminate EC2 instance."""
    parts = re.findall(r"[A-Z]+[0-9]+|[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+|[0-9]+", name) or [name]
    rest = [part if part.isupper() and len(part) > 1 else part.lower() for part in parts[1:]]
    return " ".join(parts[:1] + rest)


def _version(klass, module):
    for version in (getattr(klass, "version", None), getattr(module, "__version__", None)):
        if isinstance(version, str) and version:
            return version
    return "0"


def _effect(place, klass):
    effect = getattr(klass, "effect", "irreversible")
    if effect in EFFECTS:
        return effect
    warn(place, "its effect {!r} is none of {}: it is taken as irreversible".format(effect, ", ".join(EFFECTS)))
    return "irreversible"


def _variables(place, klass):
    asked = getattr(klass, "env", ())
    if isinstance(asked, (list, tuple)) and all(isinstance(name, str) for name in asked):
        good = [name for name in asked if re.match(r"^[A-Za-z_][A-Za-z0-9_]*\*?$", name)]
        if len(good) == len(asked):
            return good
    warn(place, "its env is no list of names of environment variables")
    return []
