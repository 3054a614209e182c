"""The base class of planners."""

from cmedbridge import planning


class Planner:
    """A planner: a class with ref, schema and example, and a method plan."""

    ref = None
    schema = None
    example = None
    env = ()

    def __init__(self, name):
        self.name = name

    def plan(self, planner_config, attack_config):
        """Call _add_job for each run of the attack."""
        raise NotImplementedError("{} has no plan()".format(type(self).__name__))

    @staticmethod
    def _add_job(date, name, attack_config, plan_id=None):
        """Plan a run at a date: a datetime, in the plan's zone if it has none,
        or a text as the exact planner reads it."""
        return planning.add(date, name, attack_config, plan_id)

    @staticmethod
    def _add_executor(date, name, attack_config, plan_id=None):
        """The same as _add_job."""
        return planning.add(date, name, attack_config, plan_id)

    @staticmethod
    def add_plan(name):
        """Return an object with an id. cmed has the plan already."""
        return planning.add_plan(name)

    @staticmethod
    def to_dict():
        """Return Planner._to_dict of the class."""
        raise NotImplementedError("to_dict() is missing")

    @staticmethod
    def _to_dict(ref, schema, example):
        return {"ref": ref, "schema": schema, "example": example}
