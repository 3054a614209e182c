"""The life of a plugin process, and what ends it."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Callable

from cmedplugin.errors import Stopped

DEFAULT_GRACE = 10.0

Stop = Callable[[Stopped], None]


def seconds(duration: str | None) -> float:
    """A Go duration, such as "10s" or "1m30s", in seconds."""
    units = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
    parts = re.findall(r"(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)", duration or "")
    return sum(float(number) * units[unit] for number, unit in parts) or DEFAULT_GRACE


class Life:
    """Serves calls until it is told to end. Then those under way have the grace to
    finish, no new one begins, and over is set. When the grace has passed, the
    process ends by force."""

    def __init__(self, grace: float) -> None:
        self.over = threading.Event()
        self._grace = grace
        self._lock = threading.Lock()
        self._stops: dict[int, Stop] = {}  # of the calls under way
        self._watchers: list[Stop] = []
        self._begun = 0
        self._cause: Stopped | None = None

    def begin(self, stop: Stop) -> Callable[[], None]:
        """Enters a call, which is stopped when the life ends, and returns what must
        be called when the call is over. Raises Stopped if the life ends already."""
        with self._lock:
            if self._cause:
                raise self._cause
            self._begun += 1
            number = self._begun
            self._stops[number] = stop
        return lambda: self._leave(number)

    def _leave(self, number: int) -> None:
        with self._lock:
            del self._stops[number]
            if self._cause and not self._stops:
                self.over.set()

    def watch(self, watcher: Stop) -> None:
        """Calls the watcher when the life ends; at once if it has."""
        with self._lock:
            self._watchers.append(watcher)
            cause = self._cause
        if cause:
            watcher(cause)

    def end(self, cause: Stopped) -> None:
        """Ends the life. Only the first cause counts."""
        with self._lock:
            if self._cause:
                return
            self._cause = cause
            told = [*self._stops.values(), *self._watchers]
            if not self._stops:
                self.over.set()
        force = threading.Timer(self._grace, os._exit, (1,))
        force.daemon = True
        force.start()
        for stop in told:
            stop(cause)


def watch_lifeline(life: Life) -> None:
    """Ends the life when standard input does: the daemon is gone."""

    def read() -> None:
        try:
            while os.read(0, 4096):
                pass
        except OSError:
            pass  # as good as its end
        life.end(Stopped("host gone", "the lifeline closed"))

    if os.environ.get("CMED_LIFELINE") == "stdin":
        threading.Thread(target=read, name="lifeline", daemon=True).start()


def watch_signals(life: Life) -> None:
    """Ends the life on SIGTERM. SIGINT is the daemon's business. The handler does
    nothing: it runs amid whatever the main thread does, and what it would lock may
    be locked. A thread of its own is woken instead."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def read() -> None:
        while os.read(reader, 1) != bytes([signal.SIGTERM]):
            pass  # a signal that an attack handles
        life.end(Stopped("terminated", "the process was told to terminate"))

    threading.Thread(target=read, name="signals", daemon=True).start()
