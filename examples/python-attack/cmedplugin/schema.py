"""Reads args by their JSON Schema, once more: the daemon has validated them, but a
plugin doesn't rely on who calls it."""

from __future__ import annotations

import re
from typing import Any

from cmedplugin.errors import Invalid

_TYPES: dict[str, tuple[type, ...]] = {
    "array": (list,), "boolean": (bool,), "integer": (int,), "number": (int, float),
    "object": (dict,), "string": (str,),
}


def read(value: Any, schema: dict[str, Any], pointer: str = "") -> Any:
    """Returns the value with the defaults of what is missing in its objects. It
    knows the keywords that are used here; others are for the daemon alone.
    Invalid is raised when the value doesn't fit; its words never quote the value,
    which may be huge, or a secret."""
    kind = schema.get("type")
    if kind and (not isinstance(value, _TYPES[kind]) or isinstance(value, bool) != (kind == "boolean")):
        raise Invalid(pointer, f"must be of the type {kind}")
    _check_bounds(value, schema, pointer)
    if isinstance(value, dict):
        return _read_object(value, schema, pointer)
    if isinstance(value, list) and "items" in schema:
        return [read(item, schema["items"], f"{pointer}/{i}") for i, item in enumerate(value)]
    return value


def _read_object(value: dict[str, Any], schema: dict[str, Any], pointer: str) -> dict[str, Any]:
    properties = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in value:
            raise Invalid(f"{pointer}/{_escape(name)}", "is required")
    out = {name: p["default"] for name, p in properties.items() if "default" in p}
    for name, member in value.items():
        if name in properties:
            out[name] = read(member, properties[name], f"{pointer}/{_escape(name)}")
        elif schema.get("additionalProperties", True) is False:
            raise Invalid(f"{pointer}/{_escape(name[:100])}", "is not known")
        else:
            out[name] = member
    return out


def _check_bounds(value: Any, schema: dict[str, Any], pointer: str) -> None:
    if "enum" in schema and value not in schema["enum"]:
        raise Invalid(pointer, f"must be one of {schema['enum']}")
    if isinstance(value, str):
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            raise Invalid(pointer, "is too short or too long")
        if "pattern" in schema and not re.search(schema["pattern"], value):
            raise Invalid(pointer, f"must match {schema['pattern']}")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
            raise Invalid(pointer, "is too small or too large")


def _escape(name: str) -> str:
    """A member's name as part of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
