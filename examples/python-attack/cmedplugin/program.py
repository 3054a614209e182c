"""What the plugin file does when it is executed."""

from __future__ import annotations

import json
import os
import sys
from typing import NoReturn

from cmedplugin.attack import Attack, description

COOKIE = ("CMED_PLUGIN_COOKIE", "chaos-monkey-engine")


def serve(*attacks: Attack) -> NoReturn:
    """All that a plugin's __main__ needs. Under the daemon it serves one call;
    with the argument "describe" it prints what it offers; by hand it explains
    itself. It never returns."""
    arguments = sys.argv[1:]
    if not arguments and os.environ.get(COOKIE[0]) == COOKIE[1]:
        # Imported here: describing needs no gRPC, which takes its time to load.
        from cmedplugin.host import serve_host

        serve_host(attacks)
    elif arguments == ["describe"]:
        json.dump(description(attacks), sys.stdout, ensure_ascii=False, indent=2)
        print()
    elif not arguments or arguments in (["help"], ["-h"], ["-help"], ["--help"]):
        explain(attacks)
    else:
        print(f'{program()}: unknown arguments {arguments}; it takes none, or "describe"', file=sys.stderr)
        sys.exit(2)
    sys.exit(0)


def program() -> str:
    return os.path.basename(sys.argv[0])


def explain(attacks: tuple[Attack, ...]) -> None:
    """Tells a person what this file is."""
    print(f"{program()} is a plugin of cmed, the Chaos Monkey Engine. It offers")
    for a in attacks:
        print(f"  attack  {a.ref}  {a.title}".rstrip())
    print("Put this file into cmed's attacks folder (--attacks-folder) and keep its run bit.")
    print(f"cmed finds it there by itself. To see what it will read: {sys.argv[0]} describe")
