"""The protocol's service. Plan is left out: this library serves attacks, and what
a plugin doesn't serve is answered UNIMPLEMENTED by gRPC itself."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc

from cmedplugin import plugin_pb2 as pb
from cmedplugin import schema
from cmedplugin.attack import Args, Attack, description
from cmedplugin.errors import Failure, Stopped
from cmedplugin.life import Life
from cmedplugin.run import Answer, Outcome, Run, UndoCall, answer_fields, text, timestamp
from cmedplugin.stream import Inbox, Outbox
from cmedplugin.wire import descriptor, failure, start_of

Context = grpc.ServicerContext


class Service:
    """Answers the daemon. One process usually serves one call."""

    def __init__(self, attacks: tuple[Attack, ...], life: Life) -> None:
        self._attacks = attacks
        self._life = life

    def handlers(self) -> grpc.GenericRpcHandler:
        """The methods, with the names and messages of plugin.proto."""

        def method(kind: Callable[..., Any], serve: Callable[..., Any], request: Any, response: Any) -> Any:
            return kind(serve, request_deserializer=request.FromString, response_serializer=response.SerializeToString)

        unary, stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
        both = grpc.stream_stream_rpc_method_handler
        return grpc.method_handlers_generic_handler("cmed.plugin.v1.Plugin", {
            "Describe": method(unary, self.describe, pb.DescribeRequest, pb.DescribeResponse),
            "Targets": method(unary, self.targets, pb.TargetsRequest, pb.TargetsResponse),
            "Check": method(unary, self.check, pb.CheckRequest, pb.CheckResponse),
            "Run": method(both, self.run, pb.HostMessage, pb.PluginMessage),
            "Undo": method(stream, self.undo, pb.UndoRequest, pb.UndoMessage),
        })

    def describe(self, _request: pb.DescribeRequest, _context: Context) -> pb.DescribeResponse:
        said = description(self._attacks)
        return pb.DescribeResponse(sdk=said["sdk"], offers=[descriptor(o) for o in said["offers"]])

    def targets(self, request: pb.TargetsRequest, context: Context) -> pb.TargetsResponse:
        def ask() -> pb.TargetsResponse:
            attack, args = self._find(request)
            if attack.targets is None:
                raise Failure(f"the attack {attack.ref} can't list its targets")
            found = attack.targets(args, random.Random(request.seed))
            return pb.TargetsResponse(targets=[t.fields() for t in found])

        return self._answer_once(context, ask, pb.TargetsResponse)

    def check(self, request: pb.CheckRequest, context: Context) -> pb.CheckResponse:
        def ask() -> pb.CheckResponse:
            attack, args = self._find(request)
            if attack.check is None:
                raise Failure(f"the attack {attack.ref} has nothing to check")
            return pb.CheckResponse(warnings=[text(w) for w in attack.check(args)])

        return self._answer_once(context, ask, pb.CheckResponse)

    def run(self, messages: Iterator[pb.HostMessage], context: Context) -> Iterator[pb.PluginMessage]:
        """Waits for Start, calls the attack and sends Finished. When Start doesn't
        come, nothing happens and the process ends."""
        outbox = Outbox(pb.PluginMessage)
        context.add_callback(outbox.close)
        inbox = Inbox(messages, self._life, lambda start: Run(start_of(start), outbox.emit))
        started = inbox.start()
        if started is None:
            self._life.end(Stopped("host gone", "the run was called off before its start"))
            return
        start, run = started
        # From here on the end of the life is the run's to handle.
        leave = self._begin(context, run.stop)

        def work() -> None:
            wrong = _raised(lambda: self._attack(start, run, outbox))
            outbox.finish("finished", {"failure": failure(wrong)} if wrong else {})
            leave()

        threading.Thread(target=work, name="attack", daemon=True).start()
        yield from outbox

    def _attack(self, start: pb.Start, run: Run, outbox: Outbox) -> None:
        attack, args = self._find(start)
        if start.dry_run and not attack.dry_run:
            raise Failure(f"the attack {attack.ref} has no dry run")  # the daemon refuses it, too
        if run.stopped:
            raise run.stopped
        outbox.emit("started", {"at": timestamp(time.time())})
        attack.run(args, run)

    def undo(self, request: pb.UndoRequest, context: Context) -> Iterator[pb.UndoMessage]:
        """Takes one recorded harm back. The last message is the answer."""
        outbox = Outbox(pb.UndoMessage)
        call = UndoCall(request.run_id, request.seed, outbox.emit, sequence=request.sequence, attempt=request.attempt)
        leave = self._begin(context, call.stop)
        bound = threading.Timer(request.timeout.ToMilliseconds() / 1000, call.stop, (Stopped("timed out"),))
        bound.daemon = True
        if request.timeout.ToMilliseconds() > 0:
            bound.start()

        def ended() -> None:
            outbox.close()
            call.stop(Stopped("host gone", "the daemon called the undo off"))

        context.add_callback(ended)

        def work() -> None:
            outbox.finish("answer", answer_fields(self._undo(request, call)))
            bound.cancel()
            leave()

        threading.Thread(target=work, name="undo", daemon=True).start()
        yield from outbox

    def _undo(self, request: pb.UndoRequest, call: UndoCall) -> Answer:
        answers: list[Answer] = []

        def ask() -> None:
            attack, args = self._find(request)
            if attack.undo is None:
                raise Failure(f"the attack {attack.ref} has no undo")
            call.record = json.loads(request.record)
            answers.append(attack.undo(args, call))

        wrong = _raised(ask)
        if wrong:
            words = failure(wrong)
            return Answer(Outcome.FAILED, "\n".join(filter(None, [words["message"], words.get("stack")])))
        return answers[0]

    def _answer_once(self, context: Context, ask: Callable[[], Any], response: Any) -> Any:
        leave = self._begin(context, lambda _cause: None)
        answers: list[Any] = []
        wrong = _raised(lambda: answers.append(ask()))
        leave()
        return response(failure=failure(wrong)) if wrong else answers[0]

    def _begin(self, context: Context, stop: Callable[[Stopped], None]) -> Callable[[], None]:
        try:
            return self._life.begin(stop)
        except Stopped as e:
            context.abort(grpc.StatusCode.UNAVAILABLE, str(e))
            raise

    def _find(self, request: Any) -> tuple[Attack, Args]:
        """The attack that a request names, and its args."""
        for attack in self._attacks:
            if request.ref in (attack.ref, *attack.aliases):
                config = json.loads(request.config)
                return attack, schema.read(config.get("args") or {}, attack.args)
        raise Failure(f"this plugin has no attack {text(request.ref)[:200]}")


def _raised(code: Callable[[], None]) -> BaseException | None:
    """Calls the author's code and returns what it raises: whatever that is, even
    what would end a thread, must become an answer."""
    try:
        code()
    except BaseException as e:
        return e
    return None
