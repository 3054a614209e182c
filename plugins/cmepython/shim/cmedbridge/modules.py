"""Finding modules in the folder, importing them, and the classes in them."""

import contextlib
import importlib
import inspect
import os
import signal
import sys
import traceback

from cmedbridge import wire

ITSELF = ("chaosmonkey", "cmedbridge")


class TooSlow(BaseException):
    """Raised in a module that takes too long to import."""


class Failure(Exception):
    """Something went wrong that needs no traceback; its text says what."""


def files(folder):
    """Map the names of the modules that may offer classes to their files, sorted.

    Tests do not: CME had its own beside its modules.
    """
    return {
        name: file for name, file in named(folder).items()
        if not name.startswith(("_", "test_")) and not name.endswith("_test") and name not in ITSELF
    }


def named(folder):
    """Map the names of all modules in the folder to their files, sorted."""
    found = {}
    for entry in os.scandir(folder):
        name, extension = os.path.splitext(entry.name)
        if name.startswith("."):
            continue
        if extension == ".py" and entry.is_file():
            found[name] = entry.name
        elif os.path.isfile(os.path.join(entry.path, "__init__.py")):
            found[entry.name] = entry.name + "/__init__.py"
    return dict(sorted(found.items()))


def load(folder, name):
    """Import one module of the folder."""
    module = importlib.import_module(name)
    path = os.path.abspath(getattr(module, "__file__", None) or "")
    if not path.startswith(os.path.abspath(folder) + os.sep):
        raise Failure("it has the name of a module that Python has itself; rename it")
    return module


def classes(module, base):
    """Return the classes that the module defines on top of the base."""
    own = (module.__name__, module.__name__ + ".")
    return [
        value for name, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, base)
        and name == value.__name__ and not name.startswith("_")
        and (value.__module__ == own[0] or value.__module__.startswith(own[1]))
    ]


def find(folder, ref, base):
    """Return the class with a ref: of the module it names, or of any."""
    known = files(folder)
    ref = ref.replace(":", ".")
    name, _, klass = ref.rpartition(".")
    wrong = None
    if name in known:
        try:
            defined = classes(load(folder, name), base)
            named_so, has_ref = (lambda c: c.__name__ == klass), (lambda c: _is(c, ref))
            for rule in (lambda c: named_so(c) and has_ref(c), has_ref, named_so):
                for candidate in filter(rule, defined):
                    return candidate
        except (Exception, SystemExit) as error:
            wire.pass_on(error)
            wrong = error
    for other in known:
        try:
            if other != name:
                for candidate in classes(load(folder, other), base):
                    if _is(candidate, ref):
                        return candidate
        except (Exception, SystemExit) as error:
            wire.pass_on(error)  # the description has told what is wrong with it
    if wrong is not None:
        raise wrong
    raise Failure("no module in {} has a class for {}".format(folder, ref))


def _is(klass, ref):
    return isinstance(klass.ref, str) and klass.ref.replace(":", ".") == ref


@contextlib.contextmanager
def time_limit(seconds):
    """Raise TooSlow in what takes longer."""
    def ring(_signal, _frame):
        raise TooSlow()

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def words(error, folder):
    """Say in a line what went wrong, and where in the modules."""
    if isinstance(error, Failure):
        return str(error)
    text = type(error).__name__
    if isinstance(error, SyntaxError):
        text += ": " + str(error.msg)
    else:
        try:
            text += ": " + str(error) if str(error) else ""
        except Exception:  # as traceback has it
            text += ": <exception str() failed>"
    place = _place(error, folder)
    return "{} ({})".format(text, place) if place else text


def _place(error, folder):
    if isinstance(error, SyntaxError) and error.filename:
        return "{}, line {}".format(_short(error.filename, folder), error.lineno)
    inside = [
        frame for frame in traceback.extract_tb(error.__traceback__)
        if os.path.abspath(frame.filename).startswith(os.path.abspath(folder) + os.sep)
    ]
    if not inside:
        return ""
    return "{}, line {}".format(_short(inside[-1].filename, folder), inside[-1].lineno)


def _short(filename, folder):
    return os.path.relpath(filename, folder)


def trace(error):
    """Return the traceback, without the part that is the bridge's own."""
    here = os.path.dirname(os.path.abspath(__file__))
    tb = error.__traceback__
    while tb is not None and os.path.abspath(tb.tb_frame.f_code.co_filename).startswith(here):
        tb = tb.tb_next
    return "".join(traceback.format_exception(type(error), error, tb)).rstrip()


def use(folder):
    """Make the modules importable, after the shim and before all else."""
    sys.path.insert(1, folder)
