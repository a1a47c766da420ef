"""The market as a scan at some past time would have seen it.

Everything that is chosen at a time ``t`` goes through this module, and everything in
it reads bars closed at ``t`` and funding settled before ``t``, nothing else. Universe,
factors, score and plan are the scan's own functions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from grid_screening.backtest.assumed_instruments import (
    assumed_instrument,
    price_on_tick,
)
from grid_screening.backtest.coarser_bars import coarser_panel, possible_panel
from grid_screening.backtest.grids import Start
from grid_screening.backtest.past_quotes import Offer, funding_at, past_quotes
from grid_screening.backtest.trailing_bars import average_true_range_at, closed_count
from grid_screening.bounds import GridBounds
from grid_screening.conf import ScreenerSettings, decimal_fee
from grid_screening.grid_plan import (
    GridTerms,
    InfeasibleGrid,
    ShortGridPlan,
    short_grid_plan,
)
from grid_screening.screening_report import Exclusion, Reason
from grid_screening.snapshot import BENCHMARK, MarketSnapshot
from grid_screening.universe import candidate_selection
from monitor.domain.history import FundingBySymbol, HistoryPanel
from monitor.domain.instruments import ExchangeInfo
from monitor.domain.market import DAY_MS, HOUR_MS, KlineInterval
from monitor.domain.typing import FloatArray, IntArray, Symbol

NEVER_BEGAN = 0
"""Listing time, ms, of contracts that trade when the history begins: older."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PointInTime:
    """What a scan at ``snapshot.as_of_ms`` would have had."""

    snapshot: MarketSnapshot
    excluded: tuple[Exclusion, ...]
    """All contracts of the history that are not in the snapshot."""


class HistoricalMarket:
    """Recorded bars and funding, asked for what was known at a time.

    Parameters
    ----------
    panel : HistoryPanel
        Bars of one hour or less. Impossible ones count as missing.
    funding : mapping
        Settled funding of the contracts for which it is known.

    Notes
    -----
    The universe rules are `candidate_selection`'s. What history does not hold passes
    them by construction: the status (a contract with a bar closed at the time is
    trading), the best quotes (one tick apart, fresh), a delivery date (none).
    """

    def __init__(self, panel: HistoryPanel, funding: FundingBySymbol) -> None:
        if panel.interval.milliseconds > HOUR_MS:
            raise ValueError(
                f"interval must be 1h or less, was {panel.interval.value}: the hourly "
                "ATR decides the spacing"
            )
        self.base = possible_panel(panel)
        self.funding = funding
        self._panels: dict[KlineInterval, HistoryPanel] = {panel.interval: self.base}
        self._turnover = np.where(
            np.isfinite(self.base.quote_volume),
            self.base.quote_volume,
            self.base.volume * self.base.close,
        )
        is_bar = np.isfinite(self.base.close)
        self._first = np.where(is_bar.any(axis=-1), is_bar.argmax(axis=-1), -1)

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """All contracts of the history."""
        return self.base.symbols

    @property
    def ended_count(self) -> int:
        """Contracts whose last bar is more than a day before the last of all."""
        is_bar = np.isfinite(self.base.close)
        missing = is_bar[:, ::-1].argmax(axis=-1)
        day = DAY_MS // self.base.interval.milliseconds
        return int((missing > day).sum())

    def panel(self, interval: KlineInterval) -> HistoryPanel:
        """Return all bars of ``interval``; made once."""
        if interval not in self._panels:
            self._panels[interval] = coarser_panel(self.base, interval)
        return self._panels[interval]

    def snapshot(self, as_of_ms: int, settings: ScreenerSettings) -> MarketSnapshot:
        """Return the snapshot of `at`."""
        return self.at(as_of_ms, settings).snapshot

    def at(self, as_of_ms: int, settings: ScreenerSettings) -> PointInTime:
        """Return what a scan at ``as_of_ms`` would have had.

        Parameters
        ----------
        as_of_ms : int
            ms UTC.
        settings : ScreenerSettings
            Universe, bars and interval.

        Returns
        -------
        PointInTime
            Turnover is the sum of the last 24 h, volume × close where it was not
            recorded. Prices are rounded to the assumed tick. NaN: taker volume
            where not recorded, mark price, open interest, unknown funding.

        Raises
        ------
        ValueError
            No bar closes within an hour before ``as_of_ms``: it lies outside.
        """
        offered = self._offered(as_of_ms)
        quotes = past_quotes(offered, as_of_ms)
        selection = candidate_selection(
            ExchangeInfo(
                instruments=tuple(offer.instrument for offer in offered.values()),
                malformed=(),
                rate_limits=(),
            ),
            quotes,
            settings,
        )
        absent = tuple(
            _exclusion(symbol, "trading", "not_trading", "no bar closed at this time")
            for symbol in self.symbols
            if symbol not in offered
        )
        places = {symbol: row for row, symbol in enumerate(self.symbols)}
        rows = np.array([places[i.symbol] for i in selection.candidates], np.int64)
        kept, lacking = self._complete(rows, as_of_ms, settings)
        return PointInTime(
            snapshot=self._snapshot(kept, offered, as_of_ms, settings),
            excluded=(*absent, *selection.excluded, *lacking),
        )

    def average_true_ranges(self, as_of_ms: int) -> tuple[FloatArray, FloatArray]:
        """Return the daily and hourly ATR of all contracts at ``as_of_ms``.

        Returns
        -------
        daily, hourly : ndarray of shape (n_symbols,)
            As `average_true_range_at`.
        """
        return (
            average_true_range_at(self.panel(KlineInterval.D1), as_of_ms),
            average_true_range_at(self.panel(KlineInterval.H1), as_of_ms),
        )

    def plans(
        self,
        snapshot: MarketSnapshot,
        settings: ScreenerSettings,
        *,
        bounds: Mapping[Symbol, GridBounds] | None = None,
        grid_step: Mapping[Symbol, Decimal] | None = None,
        start: Start = Start.LOADED,
    ) -> Mapping[Symbol, ShortGridPlan | InfeasibleGrid]:
        """Return the plans of all contracts of ``snapshot``.

        Parameters
        ----------
        snapshot : MarketSnapshot
            Of this market.
        settings : ScreenerSettings
            Margin, leverage, fees.
        bounds, grid_step : mapping, optional
            Instead of the planned ones, for the contracts they name.
        start : Start
            What the grid begins with.

        Notes
        -----
        The mark price, which was not recorded, is taken to be the last price.
        """
        daily, hourly = self.average_true_ranges(snapshot.as_of_ms)
        places = {symbol: row for row, symbol in enumerate(self.symbols)}
        terms = GridTerms(
            margin=Decimal(repr(settings.grid_margin_usdt)),
            max_leverage=settings.max_leverage,
            maker_fee=decimal_fee(settings.maker_fee),
            taker_fee=decimal_fee(settings.taker_fee),
            brackets=None,
        )
        return {
            symbol: short_grid_plan(
                instrument=snapshot.instruments[symbol],
                price=float(snapshot.last_price[row]),
                mark_price=float(snapshot.last_price[row]),
                atr_daily=float(daily[places[symbol]]),
                atr_hourly=float(hourly[places[symbol]]),
                funding_rate=float(snapshot.funding_rate[row]),
                funding_interval_h=float(snapshot.funding_interval_h[row]),
                terms=terms,
                bounds=None if bounds is None else bounds.get(symbol),
                grid_step=None if grid_step is None else grid_step.get(symbol),
                start=start,
            )
            for row, symbol in enumerate(snapshot.symbols)
        }

    def _offered(self, as_of_ms: int) -> "dict[Symbol, Offer]":
        # whoever has a bar closed at as_of, with price and turnover
        step = self.base.interval.milliseconds
        end = closed_count(self.base, as_of_ms)
        if end == 0 or self.base.open_time[end - 1] + 2 * step <= as_of_ms:
            raise ValueError(f"as_of_ms must lie inside the history, was {as_of_ms}")
        day = slice(max(end - DAY_MS // step, 0), end)
        turnover = np.nansum(self._turnover[:, day], axis=-1)
        offers = {}
        for row in np.flatnonzero(np.isfinite(self.base.close[:, end - 1])):
            symbol = self.symbols[row]
            price = price_on_tick(float(self.base.close[row, end - 1]))
            first = int(self._first[row])
            begun = NEVER_BEGAN if first == 0 else int(self.base.open_time[first])
            offers[symbol] = Offer(
                instrument=assumed_instrument(symbol, price, begun),
                price=price,
                turnover=float(turnover[row]),
            )
        return offers

    def _complete(
        self, rows: IntArray, as_of_ms: int, settings: ScreenerSettings
    ) -> tuple[IntArray, tuple[Exclusion, ...]]:
        # rows whose last `bars` bars are all there, and the others with the reason
        panel = self.panel(settings.interval)
        end = closed_count(panel, as_of_ms)
        is_bar = np.isfinite(panel.close[rows, max(end - settings.bars, 0) : end])
        count, needed = is_bar.sum(axis=-1), settings.bars
        excluded = []
        for place in np.flatnonzero(count < needed):
            # the first bars of the window missing: too young; else a gap
            have = int(count[place])
            young = bool(is_bar[place, is_bar.shape[-1] - have :].all())
            code = "too_few_bars" if young else "gap"
            text = f"{have} of the last {needed} bars"
            excluded.append(_exclusion(self.symbols[rows[place]], "bars", code, text))
        return rows[count == needed], tuple(excluded)

    def _snapshot(
        self,
        rows: IntArray,
        offered: "Mapping[Symbol, Offer]",
        as_of_ms: int,
        settings: ScreenerSettings,
    ) -> MarketSnapshot:
        panel = self.panel(settings.interval)
        end = closed_count(panel, as_of_ms)
        window = slice(max(end - settings.bars, 0), end)
        symbols = tuple(self.symbols[row] for row in rows)
        offers = [offered[symbol] for symbol in symbols]
        close, quote = panel.close[rows, window], panel.quote_volume[rows, window]
        volume = panel.volume[rows, window]
        rates = [funding_at(self.funding, symbol, as_of_ms) for symbol in symbols]
        unknown = np.full(len(symbols), np.nan)
        return MarketSnapshot(
            as_of_ms=as_of_ms,
            interval=settings.interval,
            symbols=symbols,
            instruments={offer.instrument.symbol: offer.instrument for offer in offers},
            open_time=panel.open_time[window].copy(),
            open=panel.open[rows, window],
            high=panel.high[rows, window],
            low=panel.low[rows, window],
            close=close,
            volume=volume,
            quote_volume=np.where(np.isfinite(quote), quote, volume * close),
            taker_buy_volume=panel.taker_buy_volume[rows, window],
            last_price=np.array([offer.price for offer in offers], np.float64),
            quote_volume_24h=np.array([o.turnover for o in offers], np.float64),
            mark_price=unknown.copy(),
            open_interest=unknown.copy(),
            funding_rate=np.array([rate for rate, _ in rates], np.float64),
            funding_interval_h=np.array([hours for _, hours in rates], np.float64),
            benchmark_close=_benchmark(panel, window, settings.bars),
        )


def _exclusion(symbol: Symbol, stage: str, code: str, text: str) -> Exclusion:
    return Exclusion(symbol=symbol, stage=stage, reason=Reason(code=code, text=text))


def _benchmark(panel: HistoryPanel, window: slice, bars: int) -> FloatArray | None:
    if BENCHMARK not in panel.symbols:
        return None
    close: FloatArray = panel.close[panel.symbols.index(BENCHMARK), window].copy()
    return close if close.size == bars and np.all(np.isfinite(close)) else None
