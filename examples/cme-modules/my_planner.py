"""A planner as people wrote them for the Chaos Monkey Engine."""

from datetime import datetime, timedelta

from chaosmonkey.planners import Planner


class MyPlanner(Planner):
    """Runs the attack at a date, or some seconds from now."""

    ref = "my_planner:MyPlanner"

    schema = {
        "type": "object",
        "properties": {
            "ref": {"type": "string"},
            "args": {
                "type": "object",
                "properties": {
                    "date": {"type": "string", "description": "When, as 2016-06-21T15:30"},
                    "seconds": {"type": "number", "minimum": 0, "description": "How long from now"}
                },
                "additionalProperties": False
            }
        }
    }

    example = {
        "ref": "my_planner:MyPlanner",
        "args": {
            "date": "2016-06-21T15:30"
        }
    }

    def plan(self, planner_config, attack_config):
        args = planner_config.get("args", {})
        if "date" in args:
            attack_date = datetime.strptime(args["date"], "%Y-%m-%dT%H:%M")
        else:
            attack_date = datetime.now() + timedelta(seconds=args.get("seconds", 60))
        self._add_job(attack_date, "My job", attack_config)

    @staticmethod
    def to_dict():
        return Planner._to_dict(MyPlanner.ref, MyPlanner.schema, MyPlanner.example)
