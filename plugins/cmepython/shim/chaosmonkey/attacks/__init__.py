"""The base class of attacks."""

from chaosmonkey.attacks.attack import Attack

__all__ = ["Attack"]
