"""Illegal settings say what is legal."""

from typing import Any

import pytest

from grid_screening.conf import ScreenerSettings, decimal_fee
from grid_screening.exceptions import InvalidSettings
from monitor.domain.market import KlineInterval


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("top", -1, "top must be a whole number in 0…100000, was -1"),
        ("bars", 14, "bars must be a whole number in 15…1499, was 14"),
        ("bars", 1500, "bars must be a whole number in 15…1499, was 1500"),
        (
            "min_volume",
            float("nan"),
            "min_volume must be a number ≥ 0, at most 1e+15, was nan",
        ),
        ("min_days", -0.1, "min_days must be a number ≥ 0, at most 100000, was -0.1"),
        ("max_natr", 0.5, "max_natr must be ≥ min_natr (1), was 0.5"),
        (
            "max_quote_age_s",
            0,
            "max_quote_age_s must be a number > 0, at most 1e+09, was 0",
        ),
        ("grid_margin_usdt", float("inf"), "grid_margin_usdt must be a number > 0"),
        ("max_tick_share", 1.5, "max_tick_share must be in [0, 1], was 1.5"),
        ("min_coverage", -0.1, "min_coverage must be in [0, 1], was -0.1"),
        ("maker_fee", 0.02, "maker_fee must be a fraction in [0, 0.01)"),
        ("max_leverage", 0, "max_leverage must be a whole number in 1…125, was 0"),
        ("io_workers", 0, "io_workers must be a whole number in 1…200, was 0"),
        ("weights", (0.5, 0.5, 0.0), "four finite numbers ≥ 0 with sum 1"),
        ("weights", (0.5, 0.6, -0.1, 0.0), "four finite numbers ≥ 0 with sum 1"),
        ("weights", (0.2, 0.2, 0.3, 0.3 + 1e-8), "(their sum is 1)"),
        ("interval", KlineInterval.MONTH1, "months are not equidistant"),
        ("interval", "7h", "interval must be one of 1m…1w"),
        ("bars", "300", "bars must be a whole number in 15…1499, was '300'"),
        ("bars", True, "bars must be a whole number"),
        ("max_leverage", 2.5, "max_leverage must be a whole number"),
        ("min_volume", None, "min_volume must be a number ≥ 0"),
        ("symbols", "BTCUSDT", "symbols must be a list of symbols, at least one"),
        ("symbols", (), "symbols must be a list of symbols, at least one"),
        ("exclude", "BTCUSDT", "exclude must be a list of symbols"),
        ("weights", ("a",) * 4, "four finite numbers ≥ 0 with sum 1"),
        ("strict", "no", "strict must be true or false"),
        ("quote", None, "quote must be a name"),
    ],
)
def test_illegal_value_is_refused(name: str, value: Any, message: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        ScreenerSettings(**{name: value})
    assert message in str(caught.value)


def test_weights_may_miss_one_by_rounding_only() -> None:
    weights = (0.1, 0.2, 0.3, 0.4 + 5e-10)
    assert ScreenerSettings(weights=weights).weights == weights


def test_what_people_write_is_understood() -> None:
    settings = ScreenerSettings(interval="1h", symbols=["btcusdt", "币安人生USDT"])  # type: ignore[arg-type]
    assert settings.interval is KlineInterval.H1
    assert settings.symbols == ("BTCUSDT", "币安人生USDT")


def test_only_what_was_given_wins_over_the_configured() -> None:
    configured = ScreenerSettings().merged({"min_volume": 1e7, "top": 7})
    effective = ScreenerSettings(top=20, bars=100).over(configured)
    assert effective.top == 20  # given, though it is the default
    assert effective.min_volume == 1e7
    assert effective.bars == 100
    assert effective.over(ScreenerSettings(strict=True)).strict


def test_merging_refuses_unknown_names_and_lists_the_known() -> None:
    with pytest.raises(InvalidSettings, match="setting must be one of bars,"):
        ScreenerSettings().merged({"tops": 3})
    assert ScreenerSettings().merged({"top": 3}).top == 3


def test_merging_reads_what_a_settings_file_holds() -> None:
    merged = ScreenerSettings().merged({"interval": "1h", "exclude": ["AUSDT"]})
    assert merged.interval is KlineInterval.H1
    assert merged.exclude == ("AUSDT",)
    with pytest.raises(InvalidSettings, match="interval must be one of 1m…1w"):
        ScreenerSettings().merged({"interval": "7h"})


def test_report_settings_are_plain_and_named_like_flags() -> None:
    document = ScreenerSettings(symbols=("AUSDT",)).by_flag()
    assert document["margin"] == 1000.0
    assert document["workers"] == 20
    assert document["interval"] == "4h"
    assert document["symbols"] == ["AUSDT"]
    assert document["brackets"] == "assumed"


def test_fee_becomes_the_decimal_it_is_spelled_as() -> None:
    assert str(decimal_fee(0.0002)) == "0.0002"
