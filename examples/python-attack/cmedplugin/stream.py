"""The two directions of a stream."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import grpc

from cmedplugin import plugin_pb2 as pb
from cmedplugin.errors import Failure, Stopped
from cmedplugin.life import Life
from cmedplugin.run import Run

MAX_MESSAGE = 16 << 20  # bytes, either way
WAITING = 64  # messages that may wait for a daemon that is slow


class Outbox:
    """Passes messages from an attack's threads to gRPC, in order, and none after
    the last. Sending waits while the daemon is slow. When the daemon is gone, what
    is sent is lost, as it would be a moment later anyway."""

    def __init__(self, message: type[Any]) -> None:
        self._message = message
        self._changed = threading.Condition()
        self._waiting: deque[Any] = deque()
        self._over = False    # the last message is in
        self._closed = False  # nobody takes messages any more

    def emit(self, kind: str, fields: dict[str, Any]) -> None:
        self._put(kind, fields, last=False)

    def finish(self, kind: str, fields: dict[str, Any]) -> None:
        """Sends a message after which there is no other."""
        self._put(kind, fields, last=True)

    def _put(self, kind: str, fields: dict[str, Any], last: bool) -> None:
        message = self._message(**{kind: fields})
        if message.ByteSize() > MAX_MESSAGE:
            raise Failure(f"a message of {message.ByteSize()} bytes is too large; at most {MAX_MESSAGE} may be sent")
        with self._changed:
            self._changed.wait_for(lambda: len(self._waiting) < WAITING or self._closed or self._over)
            if not self._closed and not self._over:
                self._waiting.append(message)
            self._over = self._over or last
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Any]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed or self._over)
                if self._closed or not self._waiting:
                    return
                message = self._waiting.popleft()
                self._changed.notify_all()
            yield message


class Inbox:
    """Takes in what the daemon says during a run, in a thread of its own."""

    def __init__(self, messages: Iterator[pb.HostMessage], life: Life, new_run: Callable[[pb.Start], Run]) -> None:
        self._started: queue.SimpleQueue[tuple[pb.Start, Run] | None] = queue.SimpleQueue()
        self._life = life
        self._new_run = new_run
        threading.Thread(target=self._read, args=(messages,), name="inbox", daemon=True).start()

    def start(self) -> tuple[pb.Start, Run] | None:
        """Waits for Start. None when the stream or the life ends before it."""
        self._life.watch(lambda _cause: self._started.put(None))
        return self._started.get()

    def _read(self, messages: Iterator[pb.HostMessage]) -> None:
        run: Run | None = None
        try:
            for message in messages:
                kind = message.WhichOneof("message")
                if kind == "start" and run is None:
                    run = self._new_run(message.start)
                    self._started.put((message.start, run))
                elif kind == "undo_ack" and run:
                    run.acknowledge(message.undo_ack.sequence, message.undo_ack.error)
                elif kind == "stop" and run:
                    run.stop(_stopped(message.stop))
        except grpc.RpcError:
            # The end in good order means only that the daemon has no more to say;
            # this means that it is gone.
            self._life.end(Stopped("host gone", "the connection to the daemon broke"))
        finally:
            if run:
                run.hang_up()
            self._started.put(None)


def _stopped(stop: pb.Stop) -> Stopped:
    """A cause that only a newer daemon has is taken for a halt."""
    causes = {pb.STOP_CAUSE_TIMED_OUT: "timed out", pb.STOP_CAUSE_SHUTDOWN: "shutdown"}
    return Stopped(causes.get(stop.cause, "halted"), stop.reason)
