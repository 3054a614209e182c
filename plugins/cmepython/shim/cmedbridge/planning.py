"""What planners of the old style call to plan: see chaosmonkey.planners."""

import datetime

from cmedbridge import modules, wire


class Job:
    """What _add_job and _add_executor answer; nothing runs before cmed says so."""

    def __init__(self, number, at, name, plan_id):
        self.id = "executor-{}".format(number)
        self.next_run_time, self.name, self.plan_id = at, name, plan_id


class Plan:
    """What add_plan answers."""

    def __init__(self, number, name):
        self.id, self.name = "plan-{}".format(number), name


class Planning:
    """One call of a planner."""

    attack = None  # the config it was given
    jobs = plans = 0


def add_plan(name):
    """Make a plan. There is one in a call: all that is added belongs to it."""
    Planning.plans += 1
    if Planning.plans == 2:
        wire.send(warning="the planner adds several plans: all their executors are in this one")
    return Plan(Planning.plans, name)


def add(date, name, attack_config, plan_id=None):
    """Plan one run of the attack."""
    text, zoned = written(date)
    Planning.jobs += 1
    wire.send(job={
        "at": text, "zoned": zoned, "name": "" if name is None else str(name),
        "config": _changed(attack_config),
    })
    return Job(Planning.jobs, date, name, plan_id)


def _changed(config):
    """Return what differs from the config that was given, None if nothing does."""
    if config is None or config == Planning.attack:
        return None
    if not isinstance(config, dict):
        raise modules.Failure("the attack config of a job must be a dict, not a {}".format(type(config).__name__))
    given = Planning.attack or {}
    for key in sorted(set(config) | set(given), key=str):
        if key == "args" and key in config:
            continue
        if key not in config or key not in given or config[key] != given[key]:
            raise modules.Failure(
                "the planner changes {!r} of the attack's config; between the runs of a plan only args can differ".format(key))
    return {"args": config["args"]}


def written(date):
    """Return a date as text, and whether its instant depends on the plan's zone.

    A datetime without a zone is in the plan's, which is the zone of this
    process, too. That the text then has no offset leaves it to cmed what
    becomes of a time that the clocks skip or double.
    """
    if isinstance(date, datetime.datetime):
        if date.tzinfo is not None:
            return date.astimezone(datetime.timezone.utc).isoformat(), False
        if date.fold:  # the second of a doubled time, and it says so
            return date.astimezone(datetime.timezone.utc).isoformat(), True
        return date.isoformat(), True
    if isinstance(date, bool) or date is None:
        raise modules.Failure("the date of a job is {!r}".format(date))
    if isinstance(date, (int, float)):
        return datetime.datetime.fromtimestamp(date, datetime.timezone.utc).isoformat(), False
    if hasattr(date, "isoformat"):
        return date.isoformat(), False  # a date, or another library's; its text tells
    return str(date), False
