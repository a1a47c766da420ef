from grid_screening.reports.html.volume_box import volume_box
from tests.grid_screening.reports.html.reader import Element, read
from tests.grid_screening.reports.samples import BOX, UNKNOWN_BOX, ranked


def lines(drawn: Element) -> dict[str, str]:
    names = [e.text for e in drawn.all("dt")]
    values = [" ".join(e.text.split()) for e in drawn.all("dd")]
    return dict(zip(names, values, strict=True))


def test_every_number_of_the_box_is_told() -> None:
    card = volume_box(ranked(box=BOX), "USDT")
    assert card is not None
    assert lines(read(card)) == {
        "Point of control": "0.122505 USDT most turnover",
        "Value area": "0.11870–0.12750 USDT 70 % of the turnover",
        "Squeeze": "active 5 bars in it, active from 3",
        "Squeeze momentum": "−1.2 bp of the close, a bar",
        "Box confidence": "0.64 0…1, the sum of",
        "… 0.30 × squeeze": "0.80",
        "… 0.35 × concentration": "0.50",
        "… 0.20 × Bollinger width": "0.75",
        "… 0.15 × value-area width": "0.50",
    }


def test_what_is_unknown_is_a_dash() -> None:
    card = volume_box(ranked(box=UNKNOWN_BOX), "USDT")
    assert card is not None
    assert {value.split()[0] for value in lines(read(card)).values()} == {"–"}


def test_no_card_where_nothing_was_measured() -> None:
    assert volume_box(ranked(), "USDT") is None
