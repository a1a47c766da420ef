from rich.cells import cell_len

from vp_squeeze.reports.page import Page, wrapped


def test_pieces_stay_whole_and_separators_end_their_line() -> None:
    lines = wrapped("note: ", ["one two", "three", "four"], " · ", 16)

    assert lines == ["note: one two ·", "  three · four"]


def test_piece_wider_than_the_line_stands_alone() -> None:
    assert wrapped("", ["a", "x" * 30, "b"], " ", 10) == ["a", "  " + "x" * 30, "  b"]


def test_columns_align_wide_characters() -> None:
    page = Page(width=40, color=False)
    page.columns([("龙虾USDT", "1.5"), ("BTCUSDT", "10.25")])
    first, second = page.text().splitlines()

    assert first == "龙虾USDT    1.5"
    assert cell_len(first) == cell_len(second)


def test_styles_are_written_only_when_wanted() -> None:
    plain, styled = Page(width=40, color=False), Page(width=40, color=True)
    for page in (plain, styled):
        page.line("text", "bold")

    assert plain.text() == "text\n"
    assert "\x1b[1m" in styled.text()
