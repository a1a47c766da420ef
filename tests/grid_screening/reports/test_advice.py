import pytest

from grid_screening.conf import ScreenerSettings
from grid_screening.reports.advice import empty_list_advice, needed_change
from grid_screening.screening_report import NotListed, Reason
from tests.grid_screening.reports.samples import empty, excluded, funnel, report

SETTINGS = ScreenerSettings().by_flag()


def reason(code: str, value: float | str | None, limit: float | str | None) -> Reason:
    return Reason(code=code, text="", value=value, limit=limit)


@pytest.mark.parametrize(
    ("code", "value", "limit", "expected"),
    [
        ("natr", 0.6, 1.0, "needs NATR +0.40 pp"),
        ("natr", 12.5, 10.0, "needs NATR −2.50 pp"),
        ("turnover", 42_000_000.0, 50_000_000.0, "needs 24 h turnover +8,000,000"),
        ("age", 29.96, 30.0, "needs days listed +0.1"),
        ("too_few_bars", 180, 300, "needs closed bars +120"),
        ("tick_share", 0.25, 0.10, "needs tick share of the spacing −0.150"),
        ("stale_quotes", 75.0, 60.0, "needs age of best bid and ask −15 s"),
        ("stale_quotes", 1.02, 1.01, None),  # a crossed book, not an age
        ("status", "BREAK", "TRADING", None),
        ("natr", float("nan"), 1.0, None),
        ("turnover", None, None, None),
        ("turnover", -1e40, 50_000_000.0, None),
        ("turnover", -1e300, 50_000_000.0, None),
        ("natr", 1.7e308, 10.0, None),
        ("natr", 1e14, 10.0, "needs NATR −99,999,999,999,990.00 pp"),
    ],
)
def test_needed_change(
    code: str, value: float | str | None, limit: float | str | None, expected: str
) -> None:
    assert needed_change(reason(code, value, limit), SETTINGS) == expected


def test_the_printed_change_is_never_too_small() -> None:
    # 0.003 pp are missing; two decimals rounded half-even would say 0.00
    found = needed_change(reason("natr", 0.997, 1.0), SETTINGS)
    assert found == "needs NATR +0.01 pp"


def test_a_full_list_needs_no_advice() -> None:
    assert empty_list_advice(report()) == ()


def test_the_stage_that_left_nothing_is_named_with_the_limit_that_would_do() -> None:
    stages = funnel(("universe", 5), ("turnover", 0), ("scored", 0))
    dropped = tuple(
        excluded(f"S{i}USDT", "turnover", "turnover", i * 1e6, 5e7) for i in range(1, 6)
    )
    # 20 are wanted, so all five: two digits, and strictly below the smallest
    (advice,) = empty_list_advice(empty(stages, dropped))
    assert advice.startswith("the filter “turnover” left none of 5: ")
    assert advice.endswith(": --min-volume 900000 would admit 5 of them")


def test_absurd_values_are_no_ground_for_advice() -> None:
    stages = funnel(("universe", 3), ("natr", 0), ("scored", 0))
    dropped = tuple(
        excluded(f"S{i}USDT", "natr", "natr", value, 10.0)
        for i, value in enumerate((12.0, 1e40, 1.7e308))
    )
    (advice,) = empty_list_advice(empty(stages, dropped))
    assert advice.endswith(": --max-natr 12 would admit 1 of them")


def test_the_suggested_limit_is_about_as_many_as_are_listed() -> None:
    stages = funnel(("universe", 400), ("turnover", 0), ("scored", 0))
    dropped = tuple(
        excluded(f"S{i}USDT", "turnover", "turnover", i * 1e5, 5e7)
        for i in range(1, 401)
    )
    (advice,) = empty_list_advice(empty(stages, dropped))
    # the 20th largest of 0.1…40 M is 38.1 M: two digits, rounded down
    assert advice.endswith("--min-volume 38000000 would admit 20 of them")


def test_both_ends_of_a_range_are_advised() -> None:
    stages = funnel(("universe", 3), ("natr", 0), ("scored", 0))
    dropped = (
        excluded("AUSDT", "natr", "natr", 0.73, 1.0),
        excluded("BUSDT", "natr", "natr", 0.62, 1.0),
        excluded("CUSDT", "natr", "natr", 11.21, 10.0),
    )
    (advice,) = empty_list_advice(empty(stages, dropped))
    assert "--min-natr 0.62 would admit 2 of them" in advice
    assert "--max-natr 12 would admit 1 of them" in advice


def test_the_largest_drop_is_named_beside_the_last() -> None:
    stages = funnel(
        ("universe", 500), ("contract_type", 100), ("natr", 0), ("scored", 0)
    )
    dropped = (
        *(
            excluded(f"T{i}USDT", "contract_type", "contract_type", kind, "PERPETUAL")
            for i, kind in enumerate(["TRADIFI_PERPETUAL"] * 3 + ["CURRENT_QUARTER"])
        ),
        excluded("AUSDT", "natr", "natr", 0.5, 1.0),
    )
    last, largest = empty_list_advice(empty(stages, dropped))
    assert last.startswith("the filter “natr” left none of 100: --min-natr 0.5 ")
    assert largest == (
        "the filter “contract type” dropped most, 400 of 500: "
        "--include-tradifi would admit 3 of them"
    )


def test_a_legal_bound_ends_the_suggestion() -> None:
    stages = funnel(("universe", 2), ("bars", 0), ("scored", 0))
    dropped = (
        excluded("AUSDT", "bars", "too_few_bars", 14, 300),
        excluded("BUSDT", "bars", "too_few_bars", 40, 300),
    )
    (advice,) = empty_list_advice(empty(stages, dropped))
    assert advice.endswith("--bars 15 would admit 1 of them")


def test_quote_strict_and_symbols_are_advised() -> None:
    stages = funnel(("universe", 2), ("quote_asset", 0), ("scored", 0))
    quotes = tuple(
        excluded(f"{a}USDC", "quote_asset", "quote_asset", "USDC", "USDT") for a in "AB"
    )
    assert "--quote USDC would admit 2" in empty_list_advice(empty(stages, quotes))[0]
    stages = funnel(("universe", 1), ("strict", 0), ("scored", 0))
    strict = (excluded("AUSDT", "strict", "strict_hurst", 0.6, 0.5),)
    assert "without --strict 1 " in empty_list_advice(empty(stages, strict))[0]
    stages = funnel(("universe", 1), ("requested", 0), ("scored", 0))
    asked = (excluded("AUSDT", "requested", "not_requested"),)
    assert "--symbols" in empty_list_advice(empty(stages, asked))[0]


def test_all_vetoed_is_not_called_filtered() -> None:
    only_vetoed = report(
        ranked=(),
        not_listed=(
            NotListed(symbol="CUSDT", rank=1, gss=0.0, vetoed=True),
            NotListed(symbol="DUSDT", rank=1, gss=0.0, vetoed=True),
        ),
    )
    (advice,) = empty_list_advice(only_vetoed)
    assert advice.startswith("all 2 scored contracts are vetoed")


def test_an_empty_exchange_is_called_that() -> None:
    nothing = empty(funnel(("universe", 0), ("scored", 0)), ())
    assert empty_list_advice(nothing) == ("the exchange lists no contract",)


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("excluded_by_user", "shorten --exclude"),
        ("request_failed", "requests failed, try again later"),
    ],
)
def test_causes_without_a_limit_have_their_own_advice(code: str, advice: str) -> None:
    stages = funnel(("universe", 1), ("stage", 0), ("scored", 0))
    (found,) = empty_list_advice(empty(stages, (excluded("AUSDT", "stage", code),)))
    assert found == f"the filter “stage” left none of 1: {advice}"


def test_a_limit_that_cannot_go_far_enough_is_not_suggested() -> None:
    stages = funnel(("universe", 1), ("tick", 0), ("scored", 0))
    coarse = (excluded("AUSDT", "tick", "tick_share", 1.5, 0.10),)
    assert empty_list_advice(empty(stages, coarse)) == (
        "the filter “tick” left none of 1",
    )


def test_a_value_of_nothing_suggests_no_limit_at_all() -> None:
    stages = funnel(("universe", 1), ("natr", 0), ("scored", 0))
    still = (excluded("AUSDT", "natr", "natr", 0.0, 1.0),)
    (advice,) = empty_list_advice(empty(stages, still))
    assert advice.endswith(": --min-natr 0 would admit 1 of them")


def test_narrow_grid_is_told_how_much_room_it_lacks() -> None:
    def needs(value: float | None) -> str | None:
        reason = Reason(
            code="range_to_volatility", text="narrow", value=value, limit=2.0
        )
        return needed_change(reason, {})

    assert needs(1.7) == "needs range +0.30 daily ranges"
    assert needs(1.9999) == "needs range +0.01 daily ranges"
    assert needs(None) is None


def test_list_that_a_gate_emptied_names_the_profile_without_one() -> None:
    stages = funnel(("universe", 2), ("gate", 0), ("scored", 0), ("listed", 0))
    narrow = (
        excluded("AUSDT", "gate", "range_to_volatility", 1.5, 2.0),
        excluded("BUSDT", "gate", "range_to_volatility", 1.2, 2.0),
    )
    (sentence,) = empty_list_advice(empty(stages, narrow))
    assert sentence == (
        "the filter “gate” left none of 2: --profile classic has no gate, it would "
        "admit 2"
    )


def test_contracts_a_gate_did_not_look_at_are_not_said_to_be_vetoed() -> None:
    stages = funnel(("universe", 5), ("gate", 3), ("scored", 3), ("listed", 0))
    found = report(
        funnel=stages,
        excluded=(
            excluded("AUSDT", "gate", "range_to_volatility", 1.5, 2.0),
            excluded("BUSDT", "gate", "outside_value_area", None, None),
        ),
        ranked=(),
        not_listed=(
            NotListed(symbol="CUSDT", rank=1, gss=0.5, vetoed=False),
            NotListed(symbol="DUSDT", rank=2, gss=0.4, vetoed=False),
            NotListed(symbol="EUSDT", rank=3, gss=0.0, vetoed=True),
        ),
    )
    (sentence,) = empty_list_advice(found)
    assert sentence == (
        "the filter “gate” left none of the 2 best: --top 2 would look at the other "
        "2 too; --profile classic has no gate, it would admit 1"
    )
