"""The one exception that means: what the user gave us is wrong."""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Bad input from outside: a file, a name, a number.

    The message is one line that names the file (and line) or the argument, says what is wrong and how to
    mend it. The command line prints it as it stands and exits with status 2.
    """


def unknown_name(kind: str, name: str, known: Iterable[str]) -> InputError:
    """An :class:`InputError` for a name that does not exist, with the nearest ones that do.

    Args:
        kind: What was looked up, for example ``"agent"``.
        name: What the user wrote.
        known: The names that exist.
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    shown = close or (names if len(names) <= 30 else [*names[:8], "..."])
    lead = "did you mean" if close else "known:"
    return InputError(f"unknown {kind} {name!r}; {lead} {', '.join(shown)}{'?' if close else ''}")


def one_line(error: object) -> str:
    """A message as a terminal may show it: one line, without characters that would steer the terminal.

    Messages quote files and their names, which may come from strangers.
    """
    words = " ".join(str(error).split())
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in words)
