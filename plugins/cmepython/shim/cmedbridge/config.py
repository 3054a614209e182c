"""The config of an attack as its class sees it."""


class Config(dict):
    """The args of a config; what is not among them is looked for in the whole.

    CME handed its attacks the args and wrote in its documentation that it was all
    that had been posted. Attacks of either kind find what they look for.
    """

    def __init__(self, args=(), whole=None):
        super().__init__(args)
        self._whole = {} if whole is None else whole

    def __missing__(self, key):
        return self._whole[key]

    def __contains__(self, key):
        return super().__contains__(key) or key in self._whole

    def get(self, key, default=None):
        return self[key] if key in self else default


def of(whole):
    """Return what self.attack_config is to be."""
    args = whole.get("args")
    return Config(args, whole) if isinstance(args, dict) else whole
