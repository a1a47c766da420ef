from hypothesis import example, given
from hypothesis import strategies as st

from grid_screening.reports.html.markup import Html, escaped, isolated, items, tag
from tests.grid_screening.reports.html.reader import read

HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "]]></style></script><!--",
    "&lt;b&gt; &amp; &#60;",
    "币安人生USDT",
)


@given(st.text())
@example(HOSTILE[0])
@example(HOSTILE[1])
@example(HOSTILE[2])
@example(HOSTILE[3])
def test_any_text_is_shown_as_it_is_in_elements_and_attributes(text: str) -> None:
    (element,) = read(tag("p", text, title=text)).children
    assert not isinstance(element, str)
    assert element.name == "p"
    readable = "".join(escaped(c) and c for c in text if escaped(c) != "\ufffd")
    shown = element.text.replace("\ufffd", "")
    assert shown == readable.replace("\r", "\n")
    assert element.attributes["title"] == element.text
    assert all(isinstance(child, str) for child in element.children)


def test_characters_that_html_forbids_are_replaced() -> None:
    assert escaped("a\x00b\x1bc\x7fd\ud800e") == "a\ufffdb\ufffdc\ufffdd\ufffde"
    assert escaped("tab\tline\nreturn\r") == "tab\tline\nreturn\n"


def test_marks_that_turn_the_writing_are_replaced() -> None:
    assert escaped("AAA\u202eTDSU\u2066X") == "AAA\ufffdTDSU\ufffdX"


def test_markup_is_not_escaped_twice() -> None:
    assert tag("p", tag("b", "<")) == "<p><b>&lt;</b></p>"
    assert isinstance(tag("p"), Html)


def test_true_is_a_bare_attribute_false_and_none_are_none() -> None:
    assert tag("p", hidden=True, title=None, draggable=False) == "<p hidden></p>"


def test_attribute_names_are_those_of_html() -> None:
    assert (
        tag("td", class_="a", aria_sort="none")
        == '<td class="a" aria-sort="none"></td>'
    )


def test_a_number_is_written_as_an_attribute_even_when_it_is_zero() -> None:
    assert tag("rect", x=0, width=1) == '<rect x="0" width="1"/>'


def test_elements_without_content_are_not_closed() -> None:
    assert tag("input", type="radio") == '<input type="radio">'


def test_missing_children_are_left_out() -> None:
    assert tag("p", None, "a") == "<p>a</p>"


def test_items_and_isolated_names_are_escaped() -> None:
    assert items(["<", "b"]) == "<li>&lt;</li><li>b</li>"
    assert isolated("<") == "<bdi>&lt;</bdi>"
