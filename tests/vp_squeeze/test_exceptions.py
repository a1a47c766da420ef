"""What errors of bars say."""

from copy import copy

import pytest

from vp_squeeze.exceptions import GapKind, InsufficientKlines, KlineError, KlineGap


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            KlineGap("AAA", 1, 5, GapKind.HALTED),
            (
                "AAA: 1 bar is missing after the bar of 5 ms: "
                "nothing traded there, the exchange says twice"
            ),
        ),
        (
            KlineGap("AAA", 2, 5),
            "AAA: 2 bars are missing after the bar of 5 ms: why is not known",
        ),
        (InsufficientKlines("AAA", 4, 10), "AAA: 4 closed bars, 10 needed"),
        (
            InsufficientKlines("AAA", 4, 10, GapKind.BEFORE_LISTING),
            "AAA: 4 closed bars, 10 needed; there are none before its listing",
        ),
    ],
)
def test_errors_say_in_plain_words_what_is_missing(
    error: KlineError, text: str
) -> None:
    assert str(error) == text
    assert str(copy(error)) == text


def test_a_kind_may_be_its_name() -> None:
    # as it comes back from a recording
    error = KlineGap("AAA", 2, 5, "halted")  # type: ignore[arg-type]
    assert error.kind is GapKind.HALTED
