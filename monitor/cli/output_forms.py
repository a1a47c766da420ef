"""Which form a report takes, by the name of its file."""

from collections.abc import Mapping
from pathlib import Path

from monitor.cli.exit_codes import UsageError

TEXT_SUFFIXES = ("", ".txt", ".log")
"""Ends of names that a table is written to."""


def form_of_name(output: str, forms: Mapping[str, str]) -> str:
    """Return the form of the report that is written to ``output``.

    Parameters
    ----------
    output : str
        A path, or ``-``.
    forms : mapping
        Form of each suffix, like ``.json``; a table needs none.

    Raises
    ------
    UsageError
        The name ends in a suffix of no form, like ``report.pdf``.
    """
    suffix = Path(output).suffix.lower()
    if suffix in forms:
        return forms[suffix]
    if suffix in TEXT_SUFFIXES:
        return "table"
    legal = ", ".join([*forms, *(each for each in TEXT_SUFFIXES if each)])
    raise UsageError(
        f"--output must end in {legal}, or in nothing for a table, was {output!r}; "
        "with --format any name is legal"
    )
