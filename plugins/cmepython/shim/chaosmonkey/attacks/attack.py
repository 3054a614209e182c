"""The base class of attacks."""


class Attack:
    """An attack: a class with ref, schema and example, and a method run.

    cmed reads three more attributes, all optional: effect ("none",
    "self_limiting" or "irreversible"), env (names of environment variables to
    ask the operator for), and dry_run. A class that says dry_run = True can be
    run without harm: self.dry_run then tells whether it is to be.
    """

    ref = None
    schema = None
    example = None
    effect = "irreversible"
    env = ()
    dry_run = False

    def __init__(self, attack_config):
        self.attack_config = attack_config

    def run(self):
        """Do it. What is returned is the run's result, if JSON can hold it."""
        raise NotImplementedError("{} has no run()".format(type(self).__name__))

    @staticmethod
    def to_dict():
        """Return Attack._to_dict of the class."""
        raise NotImplementedError("to_dict() is missing")

    @staticmethod
    def _to_dict(ref, schema, example):
        return {"ref": ref, "schema": schema, "example": example}
