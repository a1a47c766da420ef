"""With the store or without: the same bars, bit for bit, or the same error."""

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.domain.market import KlineInterval, Klines
from monitor.exceptions import ExchangeError, GarbledAnswer
from monitor.market_data.columns import COLUMNS
from monitor.market_data.conf import KlineStoreConfig
from monitor.market_data.kline_store import KlineStore
from tests.kline_builders import (
    START,
    SYMBOL,
    Accident,
    ModelExchange,
    bars,
    rows,
)
from vp_squeeze.exceptions import KlineError
from vp_squeeze.services.binance_kline_service import closed_klines
from vp_squeeze.services.kline_plan import BarWish, window_request

HISTORY = 700
GARBAGE: dict[str, Accident | Exception] = {
    "impossible": lambda sent: replace(sent, low=-sent.low),
    "newest missing": lambda sent: rows(sent, slice(None, -2)),
    "middle missing": lambda sent: rows(
        sent, np.delete(np.arange(sent.bar_count), slice(3, 5))
    ),
    "empty": lambda sent: rows(sent, slice(0, 0)),
    "garbled": GarbledAnswer("/fapi/v1/klines", "<html>"),
    "disorder": lambda sent: rows(sent, slice(None, None, -1)),
    "twice": lambda sent: rows(sent, np.repeat(np.arange(sent.bar_count), 2)),
    "off by half": lambda sent: bars(
        sent.bar_count, start=int(START + sent.interval.milliseconds // 2)
    ),
}
"""What may happen to an answer; the one after it is right again."""


@dataclass(frozen=True)
class Step:
    at_bar: int
    within: float
    count: int
    minimum: int
    back: int | None
    accident: str | None


steps = st.builds(
    Step,
    at_bar=st.integers(300, 420) | st.integers(0, HISTORY - 1),
    within=st.floats(0, 1, exclude_max=True),
    count=st.integers(1, 120) | st.integers(1, 400),
    minimum=st.integers(1, 400),
    back=st.none() | st.integers(1, 60),
    accident=st.none() | st.none() | st.none() | st.sampled_from(sorted(GARBAGE)),
)


def outcome(exchange: ModelExchange, step: Step, store: KlineStore | None) -> Any:
    interval = exchange.held.interval
    length = interval.milliseconds
    as_of_ms = START + step.at_bar * length + int(step.within * length)
    try:
        found = closed_klines(
            exchange,
            SYMBOL,
            interval,
            count=step.count,
            minimum=min(step.minimum, step.count),
            as_of_ms=as_of_ms,
            end_time=_end_time(step, length),
            store=store,
        )
    except (KlineError, ExchangeError) as error:
        return type(error), error.args
    return tuple(getattr(found, name).tobytes() for name in COLUMNS)


def _end_time(step: Step, length: int) -> int | None:
    if step.back is None:
        return None
    return START + (step.at_bar - step.back) * length - 1


def market(interval: KlineInterval, listed: int, halt: int | None) -> Klines:
    whole = bars(HISTORY - listed, first=listed, interval=interval)
    if halt is None:
        return whole
    return rows(whole, (np.arange(listed, HISTORY) - halt) // 2 != 0)


@settings(max_examples=60, deadline=None)
@given(
    interval=st.sampled_from(
        [KlineInterval.H4, KlineInterval.M1, KlineInterval.D3, KlineInterval.W1]
    ),
    listed=st.just(0) | st.integers(0, 500),
    halt=st.none() | st.none() | st.integers(300, 400),
    wishes=st.lists(steps, min_size=1, max_size=12),
    max_bars=st.sampled_from([20, 6000]),
)
def test_whatever_was_kept_the_answer_is_that_of_a_full_fetch(
    *,
    interval: KlineInterval,
    listed: int,
    halt: int | None,
    wishes: list[Step],
    max_bars: int,
) -> None:
    held = market(interval, listed, halt)
    config = KlineStoreConfig(max_bars=max_bars)
    with TemporaryDirectory() as folder:
        for step in wishes:
            # as every scan: opened, used, closed
            with KlineStore(Path(folder), exchange="x", config=config) as store:
                kept = ModelExchange(held)
                if step.accident is not None:
                    kept.accidents = [GARBAGE[step.accident]]
                    outcome(kept, step, store)
                    continue
                plain = ModelExchange(held)
                assert outcome(kept, step, store) == outcome(plain, step, None)
                assert kept.weight <= max(plain.weight, _worst(step, interval))


def _worst(step: Step, interval: KlineInterval) -> int:
    # kept bars that turn out wrong after an accident: what showed it, then all
    wish = BarWish(
        interval=interval,
        count=step.count,
        as_of_ms=START + step.at_bar * interval.milliseconds,
    )
    return 1 + window_request(wish).weight + 1


@settings(max_examples=30, deadline=None)
@given(
    listed=st.just(0) | st.integers(0, 500),
    wishes=st.lists(steps, min_size=1, max_size=12),
)
def test_without_accidents_no_wish_weighs_more_than_a_full_fetch(
    *, listed: int, wishes: list[Step]
) -> None:
    held = bars(HISTORY - listed, first=listed)
    with TemporaryDirectory() as folder, KlineStore(Path(folder), exchange="x") as s:
        for step in wishes:
            kept, plain = ModelExchange(held), ModelExchange(held)
            assert outcome(kept, step, s) == outcome(plain, step, None)
            assert kept.weight <= plain.weight
