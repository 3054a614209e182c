"""The base class of planners."""

from chaosmonkey.planners.planner import Planner

__all__ = ["Planner"]
