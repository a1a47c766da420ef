from collections.abc import Sequence
from typing import Any

import pytest

from monitor.domain.instruments import ExchangeInfo
from monitor.domain.market import Ticker24h
from tests.builders import instrument
from vp_squeeze.groups import MAJOR_ASSETS, Group, group_symbols


def market(
    turnovers: Sequence[tuple[str, float | None]], **changed: Any
) -> tuple[ExchangeInfo, dict[str, Ticker24h]]:
    """Perpetuals of these base assets; ``changed``: fields of the last one."""
    rows = [
        instrument(
            f"{asset}USDT",
            base_asset=asset,
            **(changed if number + 1 == len(turnovers) else {}),
        )
        for number, (asset, _) in enumerate(turnovers)
    ]
    tickers = {
        f"{asset}USDT": Ticker24h(
            symbol=f"{asset}USDT",
            last_price=1.0,
            open_price=1.0,
            high_price=1.0,
            low_price=1.0,
            volume_24h=turnover,
            quote_volume_24h=turnover,
            trade_count=1,
            close_time=0,
        )
        for asset, turnover in turnovers
        if turnover is not None
    }
    return ExchangeInfo(instruments=tuple(rows), malformed=(), rate_limits=()), tickers


def members(group: Group, *turnovers: tuple[str, float | None], **changed: Any) -> Any:
    return group_symbols(
        group, *market(turnovers, **changed), quote="USDT", min_volume=50.0
    )


def test_top10_are_the_largest_by_turnover() -> None:
    rows = [(f"A{number}", float(number)) for number in range(12)]

    assert members(Group.TOP10, *rows) == tuple(f"A{n}USDT" for n in range(11, 1, -1))


def test_equal_turnover_is_ordered_by_symbol() -> None:
    assert members(Group.TOP10, ("B", 5.0), ("A", 5.0), ("C", None)) == (
        "AUSDT",
        "BUSDT",
        "CUSDT",
    )


def test_majors_come_in_their_own_order_whatever_their_turnover() -> None:
    rows = [(asset, 1.0) for asset in reversed(MAJOR_ASSETS)]

    assert members(Group.MAJOR, *rows, ("X", 9.0)) == tuple(
        f"{asset}USDT" for asset in MAJOR_ASSETS
    )
    assert members(Group.MAJOR, ("ETH", 1.0)) == ("ETHUSDT",)


def test_alt_is_the_rest_above_the_limit() -> None:
    rows = [("BTC", 99.0), ("A", 51.0), ("B", 50.0), ("C", 70.0)]

    assert members(Group.ALT, *rows) == ("CUSDT", "AUSDT")


@pytest.mark.parametrize(
    "changed",
    [
        {"status": "SETTLING"},
        {"quote_asset": "USDC"},
        {"contract_type": "CURRENT_QUARTER"},
    ],
)
def test_only_perpetuals_that_trade_are_members(changed: dict[str, str]) -> None:
    assert members(Group.TOP10, ("A", 5.0), ("B", 9.0), **changed) == ("AUSDT",)
