"""The line to cmed, and how the process is told to end."""

import json
import os
import signal
import threading
import time

REQUEST, EVENTS = 3, 4
LONGEST_TEXT = 64 << 10  # of an event; cmed keeps no more of a text


class Terminated(SystemExit):
    """Raised in the main thread, once, when cmed stops the call."""


class _State:
    owner = os.getpid()
    lock = threading.RLock()
    sending = 0  # of the main thread: it must not be interrupted half-way
    wanted = False  # the process was told to end
    raised = False


def receive():
    """Return the request, or None if cmed was gone before all of it came."""
    for descriptor in (REQUEST, EVENTS):
        os.set_inheritable(descriptor, False)
    text = bytearray()
    while not text.endswith(b"\n"):
        more = os.read(REQUEST, 1 << 16)
        if not more:
            return None
        text += more
    return json.loads(bytes(text).decode("utf-8"))


def send(**event):
    """Send one event. Terminated comes before or after it, never in the middle."""
    line = json.dumps(event).encode("ascii") + b"\n"
    main = threading.current_thread() is threading.main_thread()
    _State.sending += main
    try:
        with _State.lock:
            while line:
                line = line[os.write(EVENTS, line):]
    finally:
        _State.sending -= main
    if main and not _State.sending:
        _leave_if_told()


def pass_on(error):
    """Raise the error again if it is the end of the process."""
    if isinstance(error, Terminated):
        raise error


def hold():
    """Raise Terminated no more: all that is left is to say the last word."""
    _State.raised = True


def is_child():
    """Say whether this is a process that the module has forked."""
    return os.getpid() != _State.owner


def obey(patience):
    """Make SIGTERM, and the end of cmed, raise Terminated in the main thread.

    When cmed is gone, the process is killed after so many seconds.
    """
    signal.signal(signal.SIGTERM, _terminate)
    os.register_at_fork(after_in_child=_part)
    threading.Thread(target=_watch, args=(patience,), daemon=True).start()


def _part():
    """Make a forked child a process like any other."""
    _State.lock = threading.RLock()  # a thread that the child has not may hold it
    if signal.getsignal(signal.SIGTERM) is _terminate:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _terminate(_signal, _frame):
    _State.wanted = True
    if not _State.sending:
        _leave_if_told()


def _leave_if_told():
    if _State.wanted and not _State.raised:
        _State.raised = True
        raise Terminated("told to end")


def _watch(patience):
    try:
        while os.read(REQUEST, 1):
            pass
    except OSError:
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(patience)
    os.killpg(os.getpgrp(), signal.SIGKILL)
