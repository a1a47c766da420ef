"""A strict reader of HTML: whatever is not balanced or not unique is an error."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"input", "meta"}


@dataclass(slots=True)
class Element:
    """One element; texts and elements in their order."""

    name: str
    attributes: dict[str, str | None]
    children: list["Element | str"] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text inside."""
        return "".join(c if isinstance(c, str) else c.text for c in self.children)

    def __iter__(self) -> Iterator["Element"]:
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child

    def all(self, name: str, **attributes: str) -> list["Element"]:
        """All elements of that name with those attributes, in document order."""
        wanted = {
            k.removesuffix("_").replace("_", "-"): v for k, v in attributes.items()
        }
        return [
            e for e in self
            if e.name == name and wanted.items() <= e.attributes.items()
        ]  # fmt: skip

    def one(self, name: str, **attributes: str) -> "Element":
        """The only such element."""
        (found,) = self.all(name, **attributes)
        return found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("document", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = self._add(tag, attrs)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._add(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].name == tag, f"</{tag}> closes <{self.open[-1].name}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"comment {data!r}")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"declaration {data!r}")

    def _add(self, tag: str, attrs: list[tuple[str, str | None]]) -> Element:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> repeats an attribute: {names}"
        element = Element(tag, dict(attrs))
        self.open[-1].children.append(element)
        return element


def read(page: str) -> Element:
    """Return the document; fails when it is not well-formed."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert [e.name for e in reader.open] == ["document"], "something is left open"
    ids = [e.attributes["id"] for e in reader.root if "id" in e.attributes]
    assert len(ids) == len(set(ids)), "ids must be unique"
    for link in reader.root.all("a"):
        assert str(link.attributes["href"]).removeprefix("#") in ids
    for picture in reader.root.all("svg"):
        named = picture.attributes.get("aria-labelledby")
        assert set((named or "").split()) <= set(ids)
    return reader.root
