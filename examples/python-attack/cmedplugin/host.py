"""Serves the daemon: the process around the service. It needs gRPC."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn

import grpc

from cmedplugin.attack import PROTOCOL, Attack
from cmedplugin.errors import Stopped
from cmedplugin.life import Life, seconds, watch_lifeline, watch_signals
from cmedplugin.service import Service
from cmedplugin.stream import MAX_MESSAGE

CORE_PROTOCOL = 1  # go-plugin's own
FLUSH_SECONDS = 1.0  # how long the last answer may take to get through


def serve_host(attacks: tuple[Attack, ...]) -> NoReturn:
    """Serves until the daemon ends it or is gone."""
    folder = os.environ.get("PLUGIN_UNIX_SOCKET_DIR")
    if not folder:
        sys.exit("PLUGIN_UNIX_SOCKET_DIR is not set: there is nowhere to listen")
    handshake = claim_stdout()
    life = Life(seconds(os.environ.get("CMED_GRACE")))
    watch_signals(life)
    watch_lifeline(life)
    server = grpc.server(ThreadPoolExecutor(max_workers=16), options=[
        ("grpc.max_receive_message_length", MAX_MESSAGE), ("grpc.max_send_message_length", MAX_MESSAGE),
    ])
    server.add_generic_rpc_handlers((Service(attacks, life).handlers(), controller(life)))
    socket = os.path.join(folder, "plugin")
    server.add_insecure_port("unix:" + socket)
    server.start()
    os.write(handshake, f"{CORE_PROTOCOL}|{PROTOCOL}|unix|{socket}|grpc\n".encode())
    os.close(handshake)

    life.over.wait()
    server.stop(FLUSH_SECONDS).wait()
    # Not sys.exit: that waits for threads, and one of an attack may hang.
    os._exit(0)


def claim_stdout() -> int:
    """Keeps standard output for the handshake: whatever is printed from here on,
    by child processes too, goes to standard error, which the daemon puts into the
    run's log. Returns the descriptor to write the handshake to."""
    handshake = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return handshake


def controller(life: Life) -> grpc.GenericRpcHandler:
    """go-plugin's own service, by which the daemon says goodbye. Its messages are
    empty."""

    def shutdown(_request: bytes, _context: grpc.ServicerContext) -> bytes:
        life.end(Stopped("host gone", "the daemon closed the connection"))
        return b""

    return grpc.method_handlers_generic_handler("plugin.GRPCController", {
        "Shutdown": grpc.unary_unary_rpc_method_handler(shutdown),
    })
