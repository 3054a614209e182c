"""What a module prints and logs, on its way to the run's log."""

import io
import logging
import os
import sys

from cmedbridge import wire

# Libraries that write pages at DEBUG, with what they send and receive.
TALKATIVE = (
    "boto", "boto3", "botocore", "fabric", "invoke", "libcloud", "paramiko",
    "requests", "s3transfer", "urllib3",
)


class _Printed(io.RawIOBase):
    """A standard stream whose content is sent, in order with the log."""

    def __init__(self, name, descriptor):
        super().__init__()
        self._name, self._descriptor = name, descriptor

    def writable(self):
        return True

    def fileno(self):
        return self._descriptor  # for children, whose output cmed reads too

    def write(self, data):
        text = bytes(data).decode("utf-8", "backslashreplace")
        for start in range(0, len(text), wire.LONGEST_TEXT):
            wire.send(printed={"stream": self._name, "text": text[start:start + wire.LONGEST_TEXT]})
        return len(data)


class _Logged(logging.Handler):
    def __init__(self):
        super().__init__()
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record):
        try:
            text = self.format(record)
        except Exception:  # a wrong format argument, as logging sees it
            text = "{} {!r}".format(record.msg, record.args)
        if wire.is_child():
            sys.stderr.write("{} {}: {}\n".format(record.levelname, record.name, text))
            return
        wire.send(log={
            "at": record.created, "level": record.levelno,
            "logger": record.name, "text": text[:wire.LONGEST_TEXT],
        })


def capture():
    """Send what is printed and logged from now on."""
    sys.stdout = _stream("stdout", 1)
    sys.stderr = _stream("stderr", 2)
    os.register_at_fork(after_in_child=_part)
    logging.captureWarnings(True)
    root = logging.getLogger()
    root.addHandler(_Logged())
    root.setLevel(logging.DEBUG)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.INFO)


def _part():
    """Have a forked child write to its descriptors.

    What it sent would be torn by what its parent sends, and a thread that it has
    not may hold the locks of the streams.
    """
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        if isinstance(getattr(getattr(getattr(sys, name), "buffer", None), "raw", None), _Printed):
            setattr(sys, name, open(
                descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False))


def flush():
    """Send what was printed without an end of line."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # the module has put something of its own there
            pass


def _stream(name, descriptor):
    return io.TextIOWrapper(
        io.BufferedWriter(_Printed(name, descriptor)), encoding="utf-8",
        errors="backslashreplace", line_buffering=True,
    )
