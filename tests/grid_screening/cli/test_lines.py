"""Wrapped at words, aligned in cells."""

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from grid_screening.cli.lines import aligned, wrapped

words = st.lists(
    st.sampled_from(("a", "word", "币安人生USDT", "1,000", "→")), max_size=20
)


@settings(deadline=None)
@given(words=words, width=st.integers(14, 60))
def test_no_line_is_wider_and_no_word_is_lost(words: list[str], width: int) -> None:
    lines = wrapped(" ".join(words), width, first="  ", then="    ")
    assert " ".join(lines).split() == words
    assert all(cell_len(line) <= max(width, 4 + 12) for line in lines)
    assert all(line.startswith("    ") for line in lines[1:])


def test_a_word_wider_than_the_line_stands_alone() -> None:
    assert wrapped("a 0123456789 b", 5) == ["a", "0123456789", "b"]


def test_text_without_words_is_its_beginning() -> None:
    assert wrapped("", 10, first="x: ") == ["x: "]


def test_wide_characters_take_two_cells() -> None:
    lines = aligned([("币安", "one"), ("abcde", "two")], 80)
    assert lines == ["  币安   one", "  abcde  two"]


def test_last_column_is_wrapped_where_it_begins() -> None:
    lines = aligned([("a", "b", "one two three four five"), ("aa", "b", "")], 30)
    assert lines == [
        "  a   b  one two three four",
        "         five",
        "  aa  b",
    ]


def test_no_rows_no_lines() -> None:
    assert aligned([], 80) == []
