"""The calls that cmed makes."""

import json
import random
import sys
import threading

from cmedbridge import config, describing, modules, output, planning, wire

LONGEST_RESULT = 256 << 10  # what cmed keeps, in bytes of JSON


def main():
    """Serve one call."""
    request = wire.receive()
    if request is None:
        return
    end = {}  # what is said last
    try:
        wire.obey(request["patience"])
        output.capture()
        modules.use(request["folder"])
        end["result"] = CALLS[request["do"]](request)
        if wire.is_child():
            return
        _await_threads()
    except BaseException as error:
        if wire.is_child():
            raise
        end.update(_how(error, request["folder"]))
    wire.hold()
    output.flush()
    wire.send(end=end)


def _how(error, folder):
    """Say how a call ended that did not return."""
    if isinstance(error, modules.Failure):
        return {"failure": str(error)[:wire.LONGEST_TEXT]}
    if isinstance(error, wire.Terminated):
        return {"stopped": True}
    if isinstance(error, SystemExit):
        return {} if error.code in (None, 0) else {"failure": "it called sys.exit({!r})".format(error.code)[:wire.LONGEST_TEXT]}
    return {
        "failure": modules.words(error, folder)[:wire.LONGEST_TEXT],
        "trace": modules.trace(error)[:wire.LONGEST_TEXT],
    }


def _await_threads():
    """Wait, as Python does at its end, for what the module left running."""
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and not thread.daemon:
            thread.join()


def _list(request):
    base = _base(request)
    describing.describe(request["folder"], base, request["seconds"])


def _run(request):
    base = _base(request)
    reseed = _seed(request["seed"])
    attack = modules.find(request["folder"], request["ref"], base)
    if request["dry_run"] and getattr(attack, "dry_run", None) is not True:
        raise modules.Failure("{} has no dry run: its class does not say dry_run = True".format(request["ref"]))
    attack.dry_run = request["dry_run"]
    reseed()
    return _document(attack(config.of(request["config"])).run())


def _plan(request):
    base = _base(request)
    reseed = _seed(request["seed"])
    planner = modules.find(request["folder"], request["ref"], base)
    planning.Planning.attack = json.loads(json.dumps(request["attack"]))
    reseed()
    planner(request["name"]).plan(request["config"], request["attack"])


def _seed(seed):
    """Make random.seed(), which old modules call, draw on the seed of the call, and
    return a function that does so anew."""
    original, chance = random.seed, random.Random(seed)

    def again(a=None, version=2):
        original(chance.getrandbits(64) if a is None else a, version)

    def anew():
        chance.seed(seed)
        again()

    random.seed = again
    return anew


def _base(request):
    """Return the class on which what is asked for is built."""
    if request["kind"] == "planner":
        from chaosmonkey.planners import Planner
        return Planner
    from chaosmonkey.attacks import Attack
    return Attack


def _document(result):
    """Return what run() answered if it can be a run's result."""
    try:
        if len(json.dumps(result, allow_nan=False)) <= LONGEST_RESULT:
            return result
        why = "it is longer than {} bytes".format(LONGEST_RESULT)
    except (TypeError, ValueError, RecursionError) as error:
        why = str(error)
    sys.stderr.write("what run() returned is not kept as the result: {}\n".format(why))
    return None


CALLS = {"list": _list, "run": _run, "plan": _plan}
