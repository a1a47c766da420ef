"""HTML elements from texts: what is not markup is escaped."""

import re
from collections.abc import Iterable
from html import escape
from typing import TypeAlias

AttributeValue: TypeAlias = str | float | bool | None

_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # not allowed in HTML
    "\u202a-\u202e\u2066-\u2069"  # would turn the text around them
    "\ud800-\udfff\ufffe\uffff]"  # cannot be written as UTF-8
)
_VOID = frozenset({"input", "meta"})
_CHILDLESS = frozenset({"line", "path", "rect"})


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def escaped(text: str) -> Html:
    """Return ``text`` as markup that shows it, in elements and in attributes.

    Controls, lone surrogates and marks that turn the direction of writing become
    ``�``.
    """
    readable = _UNPRINTABLE.sub("\ufffd", text.replace("\r", "\n"))
    return Html(escape(readable, quote=True))


def tag(name: str, /, *children: str | None, **attributes: AttributeValue) -> Html:
    """Return one element.

    Parameters
    ----------
    name : str
        Of the element; trusted.
    *children : str or None
        `Html` stays, any other text is escaped, None is left out.
    **attributes : str, float, bool or None
        A trailing underscore is dropped, others become hyphens (``class_``,
        ``aria_sort``). True: the bare name; False and None: left out.
    """
    opened = name + "".join(_attribute(k, v) for k, v in attributes.items())
    if name in _VOID:
        return Html(f"<{opened}>")
    if name in _CHILDLESS:
        return Html(f"<{opened}/>")
    return Html(f"<{opened}>{joined(children)}</{name}>")


def joined(parts: Iterable[str | None]) -> Html:
    """Return ``parts`` one after another, escaped where they are not markup."""
    return Html("".join(_markup(part) for part in parts if part is not None))


def items(texts: Iterable[str]) -> Html:
    """Return one list item for each text."""
    return joined(tag("li", text) for text in texts)


def isolated(symbol: str) -> Html:
    """Return a symbol that cannot change the direction of what stands beside it."""
    return tag("bdi", symbol)


def _markup(part: str) -> str:
    return part if isinstance(part, Html) else escaped(part)


def _attribute(name: str, value: AttributeValue) -> str:
    if value is None or value is False:
        return ""
    written = name.removesuffix("_").replace("_", "-")
    return f" {written}" if value is True else f' {written}="{escaped(str(value))}"'
