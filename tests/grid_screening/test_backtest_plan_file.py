"""From a scan's JSON to the backtest of what it planned."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command

from grid_screening.backtest.engine import simulated_grids
from grid_screening.backtest.grids import GridBatch, Start
from grid_screening.backtest.paths import PricePaths
from monitor.cli.exit_codes import ExitCode
from monitor.domain.market import KlineInterval
from monitor.market_data.history import opened_history
from tests.grid_screening.backtest.history_folder import (
    QUARTER_MS,
    walk,
    write_klines,
)
from tests.grid_screening.test_backtest_command import complaint, document, run


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("scan") / "scan.json"
    call_command(
        "screen_short_grid", "--demo", "--top", "3", "--quiet", "--output", str(path)
    )
    return path


@pytest.fixture(scope="module")
def grids(scan: Path) -> dict[str, Any]:
    rows = json.loads(scan.read_bytes())["ranked"]
    return {row["symbol"]: row["grid"] for row in rows}


@pytest.fixture(scope="module")
def after(
    scan: Path, grids: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """What might have happened after that scan: no bar before it, no 1 h bars."""
    folder: Path = tmp_path_factory.mktemp("after")
    as_of_ms = json.loads(scan.read_bytes())["as_of_ms"]
    begin = -(-as_of_ms // QUARTER_MS) * QUARTER_MS
    walks = {
        symbol: walk(30 * 96, seed=number, price=grid["price"])
        for number, (symbol, grid) in enumerate(grids.items())
    }
    write_klines(
        folder / "klines_15m_after.parquet",
        walks,
        start_ms=begin - QUARTER_MS,
        step_ms=QUARTER_MS,
    )
    return folder


def test_the_published_grids_are_what_is_simulated(
    scan: Path, grids: dict[str, Any], after: Path
) -> None:
    found = document(*grids, "--plan", str(scan), history=after)
    history = opened_history(after)
    panel = history.panel(KlineInterval.M15, symbols=tuple(grids))
    paths = PricePaths.of_history(panel, {})
    as_of_ms = json.loads(scan.read_bytes())["as_of_ms"]

    def column(name: str) -> Any:
        return np.array([float(grid[name]) for grid in grids.values()])

    count = len(grids)
    begin = int(np.searchsorted(paths.open_time, as_of_ms))
    ref = simulated_grids(
        paths,
        GridBatch(
            row=np.arange(count),
            begin=np.full(count, begin),
            end=np.full(count, paths.open_time.size),
            price=paths.open[:, begin],  # the market's, not the plan's
            lower_bound=column("lower_bound"),
            grid_step=column("grid_step"),
            grid_ratio=np.ones(count),
            level_count=column("level_count").astype(np.int64),
            quantity=column("quantity_per_level"),
            stop_price=column("stop_price"),
            margin=column("margin"),
            start=np.full(count, int(Start.LOADED)),
        ),
    )
    assert [row["symbol"] for row in found["runs"]] == list(grids)
    assert [row["pnl"] for row in found["runs"]] == ref.pnl.tolist()
    assert [row["fill_count"] for row in found["runs"]] == ref.fill_count.tolist()
    assert any("simulated market" in note for note in found["notes"])


def test_geometric_grids_are_simulated_on_their_ratio(
    after: Path, tmp_path: Path
) -> None:
    path = tmp_path / "geometric.json"
    call_command(
        *("screen_short_grid", "--demo", "--top", "3", "--quiet"),
        *("--spacing", "geometric", "--output", str(path)),
    )
    report = json.loads(path.read_bytes())
    assert report["settings"]["spacing"] == "geometric"
    published = {row["symbol"]: row["grid"] for row in report["ranked"]}
    runs = document(*published, "--plan", str(path), history=after)["runs"]
    panel = opened_history(after).panel(KlineInterval.M15, symbols=tuple(published))
    paths = PricePaths.of_history(panel, {})
    begin = int(np.searchsorted(paths.open_time, report["as_of_ms"]))

    def column(name: str) -> Any:
        return np.array([float(grid[name]) for grid in published.values()])

    ratio = (column("upper_bound") / column("lower_bound")) ** (
        1 / column("cell_count")
    )
    assert column("grid_ratio") == pytest.approx(ratio, abs=1e-12)
    ref = simulated_grids(
        paths,
        GridBatch(
            row=np.arange(len(runs)),
            begin=np.full(len(runs), begin),
            end=np.full(len(runs), paths.open_time.size),
            price=paths.open[:, begin],  # the market's, not the plan's
            lower_bound=column("lower_bound"),
            grid_step=column("grid_step"),
            grid_ratio=ratio,
            level_count=column("level_count").astype(np.int64),
            quantity=column("quantity_per_level"),
            stop_price=column("stop_price"),
            margin=column("margin"),
            start=np.full(len(runs), int(Start.LOADED)),
        ),
    )
    assert [row["pnl"] for row in runs] == pytest.approx(ref.pnl.tolist())
    assert [row["fill_count"] for row in runs] == ref.fill_count.tolist()
    assert sum(row["fill_count"] for row in runs) > 0


def test_a_symbol_the_report_lacks_is_told(
    scan: Path, grids: dict[str, Any], after: Path, tmp_path: Path
) -> None:
    first, *others = grids
    content = json.loads(scan.read_bytes())
    content["ranked"] = [row for row in content["ranked"] if row["symbol"] != first]
    path = tmp_path / "less.json"
    path.write_text(json.dumps(content))
    error = complaint(first, "--plan", str(path), history=after)
    assert error.returncode == ExitCode.EMPTY
    assert str(error) == f"no grid to run; {first}: not in {path}"
    text = " ".join(run(first, *others, "--plan", str(path), history=after).split())
    assert f"{first} has no grid on" in text


def moved(scan: Path, symbol: str, path: Path, **grid: float) -> Path:
    """Return the report with other numbers in one plan."""
    content = json.loads(scan.read_bytes())
    row = next(row for row in content["ranked"] if row["symbol"] == symbol)
    row["grid"] |= grid
    path.write_text(json.dumps(content))
    return path


def first_open(scan: Path, after: Path, symbol: str) -> float:
    panel = opened_history(after).panel(KlineInterval.M15, symbols=(symbol,))
    as_of_ms = json.loads(scan.read_bytes())["as_of_ms"]
    return float(panel.open[0, np.searchsorted(panel.open_time, as_of_ms)])


def test_the_initial_short_is_sold_at_the_market_not_at_the_plans_price(
    scan: Path, grids: dict[str, Any], after: Path, tmp_path: Path
) -> None:
    # a plan drawn far above sells nothing there: the way from its price is no trade
    symbol, grid = next(iter(grids.items()))
    above = moved(
        scan, symbol, tmp_path / "above.json", price=grid["upper_bound"] * 0.999
    )
    (plain,) = document(symbol, "--plan", str(scan), history=after)["runs"]
    found = document(symbol, "--plan", str(above), history=after)
    (high,) = found["runs"]
    opens = first_open(scan, after, symbol)
    assert plain == high
    assert high["plan"]["price"] == opens
    levels = grid["lower_bound"] + grid["grid_step"] * np.arange(grid["level_count"])
    lots = int((levels < opens).sum())
    size = lots * grid["quantity_per_level"]
    costs = 0.0005 * (opens + high["end_price"])
    assert high["static_short"] == pytest.approx(
        size * (opens - high["end_price"] - costs)
    )
    assert any("more than a cell away, and is entered" in n for n in found["notes"])


@pytest.mark.parametrize("factor", [0.05, 0.4, 2.0, 16.4])
def test_a_market_outside_the_bounds_is_one_line_and_code_2(
    scan: Path, grids: dict[str, Any], after: Path, tmp_path: Path, factor: float
) -> None:
    symbol, grid = next(iter(grids.items()))
    names = ("price", "lower_bound", "upper_bound", "grid_step", "stop_price")
    scaled = {name: grid[name] * factor for name in names}
    path = moved(scan, symbol, tmp_path / "far.json", **scaled)
    error = complaint(symbol, "--plan", str(path), history=after)
    assert error.returncode == ExitCode.USAGE
    told = str(error)
    assert told.startswith(f"--plan does not fit the market: {symbol} opens at ")
    assert " UTC, outside the plan's bounds " in told
    for number in (first_open(scan, after, symbol), scaled["upper_bound"]):
        assert any(
            float(word.strip(",")) == pytest.approx(number, rel=1e-6)
            for word in told.split()
            if re.fullmatch(r"[\d.]+,?", word)
        )


def test_a_plan_begins_with_what_its_report_says(
    scan: Path, grids: dict[str, Any], after: Path, tmp_path: Path
) -> None:
    symbol = next(iter(grids))
    content = json.loads(scan.read_bytes())
    content["settings"]["start"] = "flat"
    path = tmp_path / "flat.json"
    path.write_text(json.dumps(content))
    found = document(symbol, "--plan", str(path), history=after)
    assert found["start"] == "flat"
    assert found["runs"][0]["static_short"] == 0.0
    assert document(symbol, "--plan", str(scan), history=after)["start"] == "loaded"


def test_the_footer_suggests_nothing_that_a_plan_excludes(
    scan: Path, grids: dict[str, Any], after: Path
) -> None:
    symbol = next(iter(grids))
    text = " ".join(run(symbol, "--plan", str(scan), history=after).split())
    assert "A plan is run once; without --plan, --start with --every 7d" in text


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--every", "7d"), "--plan and --every exclude each other"),
        (("--bounds", "quantile"), "--plan and --bounds exclude each other"),
        (("--spacing", "geometric"), "--plan and --spacing exclude each other"),
        (("--margin", "50"), "--plan and --margin exclude each other"),
        (("--max-leverage", "2"), "--plan and --max-leverage exclude each other"),
        (("--start-variant", "flat"), "--plan and --start-variant exclude each"),
    ],
)
def test_flags_that_plan_anew_are_refused(
    scan: Path, grids: dict[str, Any], after: Path, more: tuple[str, ...], words: str
) -> None:
    error = complaint(next(iter(grids)), "--plan", str(scan), *more, history=after)
    assert error.returncode == ExitCode.USAGE
    assert words in str(error)


def test_a_broken_plan_is_one_line_and_code_2(
    grids: dict[str, Any], after: Path, tmp_path: Path
) -> None:
    path = tmp_path / "broken.json"
    path.write_text("{")
    error = complaint(next(iter(grids)), "--plan", str(path), history=after)
    assert error.returncode == ExitCode.USAGE
    assert "is not a readable report: not JSON" in str(error)
