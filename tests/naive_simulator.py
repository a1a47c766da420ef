"""Slow twin of the grid simulator: orders and fills as objects, exact fractions."""

from dataclasses import dataclass, field
from fractions import Fraction
from math import isfinite, isnan
from typing import Any

from grid_screening.backtest.grids import (
    Costs,
    EndReason,
    FillOrder,
    GridBatch,
    GridOutcomes,
    Start,
)
from grid_screening.backtest.maintenance import Maintenance
from grid_screening.backtest.paths import PricePaths

Bar = tuple[Fraction, Fraction, Fraction, Fraction]
SELL, BUY = -1, 1


def exact(value: float) -> Fraction:
    """Return the shortest decimal that names this float."""
    return Fraction(repr(float(value)))


@dataclass
class Order:
    """A resting limit order of one lot."""

    side: int
    level: int
    cell: int


@dataclass
class Account:
    """Cash and the short, marked where asked."""

    cash: Fraction = Fraction(0)
    sold: Fraction = Fraction(0)
    fees: Fraction = Fraction(0)
    funding: Fraction = Fraction(0)

    def trade(self, side: int, size: Fraction, price: Fraction, fee: Fraction) -> None:
        self.cash -= side * size * price
        self.sold -= side * size
        self.fees += fee * size * price

    def change(self, price: Fraction) -> Fraction:
        return self.cash - self.sold * price - self.fees + self.funding


@dataclass
class NaiveGrid:
    """One short grid walking through bars."""

    levels: list[Fraction]
    price: Fraction
    size: Fraction
    stop: Fraction | None
    margin: Fraction | None
    start: Start
    costs: Costs
    brackets: list[tuple[Fraction | None, Fraction, Fraction]]
    account: Account = field(default_factory=Account)
    orders: list[Order] = field(default_factory=list)
    fills: list[tuple[Order, Fraction]] = field(default_factory=list)
    marks: list[Fraction] = field(default_factory=lambda: [Fraction(0)])
    lots: int = 0
    initial_lots: int = 0
    static_funding: Fraction = Fraction(0)
    reason: EndReason | None = None
    end_price: Fraction = Fraction(0)

    def begin(self) -> None:
        below = [level for level in self.levels if level < self.price]
        cells = len(self.levels) - 1
        held = min(len(below), cells)
        for cell in range(cells):
            if cell >= held:  # its lower level is at or above the price
                self.orders.append(Order(SELL, cell + 1, cell))
            elif self.start is Start.LOADED:
                self.orders.append(Order(BUY, cell, cell))
        if self.start is Start.LOADED:
            self.initial_lots = self.lots = held
            self.account.trade(
                SELL, held * self.size, self.price, exact(self.costs.taker_fee)
            )

    def leg(self, to: Fraction) -> None:
        """Fill, one after the other, what the price meets on its way."""
        while True:
            sells = [o for o in self.orders if o.side == SELL]
            buys = [o for o in self.orders if o.side == BUY]
            met = [o for o in sells if self.levels[o.level] <= to]
            met = [min(met, key=lambda o: o.level)] if met else []
            if not met:
                met = [o for o in buys if self.levels[o.level] >= to]
                met = [max(met, key=lambda o: o.level)] if met else []
            if not met:
                return
            order = met[0]
            self.orders.remove(order)
            price = self.levels[order.level]
            self.account.trade(
                order.side, self.size, price, exact(self.costs.maker_fee)
            )
            self.lots -= order.side
            self.fills.append((order, price))
            back = order.cell if order.side == SELL else order.cell + 1
            self.orders.append(Order(-order.side, back, order.cell))

    def maintenance(self, notional: Fraction) -> Fraction:
        for cap, rate, cumulative in self.brackets:  # noqa: B007
            if cap is None or notional <= cap:
                break
        return notional * rate - cumulative

    def is_lost(self, mark: Fraction) -> bool:
        if self.margin is None or self.lots == 0:
            return False
        left = self.margin + self.account.change(mark)
        return left <= self.maintenance(self.lots * self.size * mark)

    def lost_at(self) -> Fraction:
        """Return the price at which what is held now was liquidated."""
        assert self.margin is not None
        size = self.lots * self.size
        roots = []
        for _, rate, cumulative in self.brackets:
            wallet = self.margin + self.account.change(Fraction(0))
            root = (wallet + cumulative) / (size * (1 + rate))
            left = self.margin + self.account.change(root)
            if left == self.maintenance(size * root):
                roots.append(root)
        return min(roots)

    def end(self, reason: EndReason, price: Fraction) -> None:
        self.reason, self.end_price = reason, price

    def bar(
        self, bar: Bar, mark_high: Fraction | None, due: Fraction, order: FillOrder
    ) -> bool:
        """Walk one bar; return whether its close was seen."""
        opened, high, low, close = bar
        low_first = order is FillOrder.LOW_FIRST or (
            order is FillOrder.CANDLE and close >= opened
        )
        middle = [("low", low), ("high", high)]
        if not low_first:
            middle.reverse()
        for name, to in [("open", opened), *middle, ("close", close)]:
            self.walk(name, to, mark_high, due)
            if self.reason is not None:
                return False
            if name in ("low", "high"):
                self.marks.append(self.account.change(to))
        return True

    def walk(
        self, name: str, to: Fraction, mark_high: Fraction | None, due: Fraction
    ) -> None:
        stopped = self.stop is not None and to >= self.stop
        if stopped and name != "open":
            assert self.stop is not None
            to = self.stop
        self.leg(to)
        bought = to <= self.levels[0]
        if name == "open" and not stopped and not bought:
            self.account.funding += due * self.lots * self.size * to
            self.static_funding += due * self.initial_lots * self.size * to
        mark = to
        if mark_high is not None:
            mark = mark_high if name == "high" and not stopped else min(to, mark_high)
        if self.is_lost(mark):
            self.end(EndReason.LIQUIDATED, self.lost_at())
        elif stopped:
            self.end(EndReason.STOPPED, to * (1 + exact(self.costs.stop_slippage)))
        elif bought:
            self.end(EndReason.TAKE_PROFIT, self.levels[0])


def naive_grid(
    batch: GridBatch, number: int, costs: Costs, maintenance: Maintenance
) -> NaiveGrid:
    lower = exact(batch.lower_bound[number])
    ratio, step = exact(batch.grid_ratio[number]), exact(batch.grid_step[number])
    count = int(batch.level_count[number])
    row = int(batch.row[number])
    stop, margin = float(batch.stop_price[number]), float(batch.margin[number])
    grid = NaiveGrid(
        levels=[
            lower * ratio**i if ratio > 1 else lower + i * step for i in range(count)
        ],
        price=exact(batch.price[number]),
        size=exact(batch.quantity[number]),
        stop=exact(stop) if isfinite(stop) else None,
        margin=exact(margin) if isfinite(margin) else None,
        start=Start(int(batch.start[number])),
        costs=costs,
        brackets=[
            (exact(cap) if isfinite(cap) else None, exact(rate), exact(cumulative))
            for cap, rate, cumulative in zip(
                maintenance.notional_cap[row],
                maintenance.rate[row],
                maintenance.cumulative[row],
                strict=True,
            )
        ],
    )
    grid.begin()
    return grid


def naive_outcome(  # noqa: PLR0917
    paths: PricePaths,
    batch: GridBatch,
    number: int,
    costs: Costs,
    order: FillOrder,
    maintenance: Maintenance,
) -> tuple[NaiveGrid, dict[str, Any]]:
    """Return the grid and every field of `GridOutcomes` for grid ``number``."""
    grid = naive_grid(batch, number, costs, maintenance)
    row, begin = int(batch.row[number]), int(batch.begin[number])
    events = slice(paths.funding_offset[row], paths.funding_offset[row + 1])
    settlements = list(
        zip(paths.funding_bar[events], paths.funding_rate[events], strict=True)
    )
    last, end_bar, inside, run = grid.price, begin, 0, 0
    for t in range(begin, min(int(batch.end[number]), paths.close.shape[1])):
        columns = (paths.open, paths.high, paths.low, paths.close)
        if any(isnan(column[row, t]) for column in columns):
            grid.end(EndReason.NO_DATA, last)
            break
        bar = tuple(exact(column[row, t]) for column in columns)
        due = sum((exact(rate) for at, rate in settlements if at == t), Fraction(0))
        mark = None
        if paths.mark_high is not None and not isnan(paths.mark_high[row, t]):
            mark = exact(paths.mark_high[row, t])
        end_bar, run, last = t, run + 1, bar[3]
        closed = grid.bar(bar, mark, due, order)  # type: ignore[arg-type]
        inside += closed and grid.levels[0] <= bar[3] <= grid.levels[-1]
        if grid.reason is not None:
            break
    else:
        grid.end(EndReason.HORIZON, last)
    return grid, told(grid, run, end_bar, inside)


def told(grid: NaiveGrid, run: int, end_bar: int, inside: int) -> dict[str, Any]:
    size, account, price = grid.size, grid.account, grid.end_price
    lots, top, taker = grid.lots, grid.levels[-1], exact(grid.costs.taker_fee)
    liquidated = grid.reason is EndReason.LIQUIDATED
    within = min(price, top)
    widths = [grid.levels[o.cell + 1] - grid.levels[o.cell] for o, _ in grid.fills]
    harvest = size * sum(widths, Fraction(0)) / 2
    earned = sum((-o.side * size * at for o, at in grid.fills), Fraction(0))
    added = lots - grid.initial_lots
    rest = Fraction(0)
    if liquidated:
        assert grid.margin is not None
        rest = -(grid.margin + account.change(price))
        pnl = -grid.margin
    else:
        account.trade(BUY, lots * size, price, taker)
        pnl = account.change(price)
    held = grid.initial_lots * size
    peaks, peak = [], Fraction(0)
    for mark in [*grid.marks, pnl]:
        peak = max(peak, mark)
        peaks.append(peak - mark)
    assert grid.reason is not None
    return {
        "pnl": pnl,
        "harvest": harvest,
        "displacement": earned - added * size * within - harvest,
        "initial_short": held * (grid.price - within),
        "stop_loss": -lots * size * (price - within),
        "liquidation_loss": rest,
        "fees": account.fees,
        "funding": account.funding,
        "fill_count": len(grid.fills),
        "round_trips": (len(grid.fills) - abs(added)) // 2,
        "bars_run": run,
        "bars_inside": inside,
        "worst_equity": min([*grid.marks, pnl]),
        "max_drawdown": max(peaks),
        "end_reason": int(grid.reason),
        "end_bar": end_bar,
        "end_price": price,
        "end_lots": lots,
        "static_short": held * (grid.price - price)
        - taker * held * (grid.price + price)
        + grid.static_funding,
    }


FIELDS = tuple(GridOutcomes.__dataclass_fields__)
PARTS = {
    "harvest": 1,
    "displacement": 1,
    "initial_short": 1,
    "stop_loss": 1,
    "liquidation_loss": 1,
    "funding": 1,
    "fees": -1,
}
"""Signs with which the parts make up the PnL."""
