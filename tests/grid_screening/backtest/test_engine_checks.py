"""Grids that mean nothing are refused; compiled code finds its place on any disk."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grid_screening.backtest import kernels
from grid_screening.backtest.engine import simulated_grids
from grid_screening.backtest.grids import EndReason, FillOrder, Start
from grid_screening.backtest.maintenance import Maintenance
from tests.grid_screening.backtest.random_grids import grid, path_through

ROOT = Path(__file__).resolve().parents[3]
NAN = float("nan")

PNL = str(round(20 - 0.0005 * (2000 + 18 * 99) - 0.0002 * 2 * 99, 6))
"""Ten lots of 2 sold at 100, one bought back at 99, nine at the end."""

PROGRAM = """
from tests.grid_screening.backtest.random_grids import grid, path_through
from grid_screening.backtest import compilation
from grid_screening.backtest.engine import simulated_pnl
from grid_screening.backtest.kernels import batch
assert compilation.__file__.startswith({folder!r}), compilation.__file__
pnl = simulated_pnl(path_through(100.0, 99.0), grid())
print(round(float(pnl[0]), 6), sum(batch.stats.cache_hits.values()))
"""


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"row": 1}, "row of grid 0 must be in [0, 1), was 1"),
        ({"begin": 2}, "begin of grid 0 must be in [0, 2), was 2"),
        ({"end": 0}, "end of grid 0 must be above begin, was 0"),
        ({"level_count": 1}, "level_count of grid 0 must be at least 2, was 1"),
        ({"quantity": 0.0}, "quantity of grid 0 must be finite and > 0, was 0"),
        ({"lower_bound": NAN}, "lower_bound of grid 0 must be finite and > 0, was nan"),
        ({"grid_step": -1.0}, "grid_step of grid 0 must be finite and > 0, was -1"),
        ({"grid_ratio": NAN}, "grid_ratio of grid 0 must be finite; 1: arithmetic"),
        ({"price": 90.0}, "price of grid 0 must be above the lower bound, was 90"),
        (
            {"price": 112.0, "stop_price": 111.0},
            "price of grid 0 must be below the stop price, was 112",
        ),
        (
            {"stop_price": 110.0},
            "stop_price of grid 0 must be above the upper bound, was 110",
        ),
        ({"margin": 0.0}, "margin of grid 0 must be > 0; infinite: never liquidated"),
        ({"start": 2}, "start of grid 0 must be 0 (loaded) or 1 (flat), was 2"),
    ],
)
def test_what_is_wrong_is_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the message is compared
        simulated_grids(path_through(100.0, 99.0), grid(**wrong))
    assert str(caught.value).startswith(message)


def test_the_first_wrong_grid_is_named() -> None:
    with pytest.raises(ValueError, match="quantity of grid 1 must be"):
        simulated_grids(path_through(100.0), grid(quantity=[1.0, NAN]))


def test_arrays_of_one_length() -> None:
    batch = grid(quantity=[1.0, 2.0])
    object.__setattr__(batch, "margin", np.ones(3))
    with pytest.raises(ValueError, match=r"margin must have shape \(2,\), was \(3,\)"):
        simulated_grids(path_through(100.0), batch)


def test_brackets_for_as_many_contracts_as_paths() -> None:
    with pytest.raises(ValueError, match="maintenance must have 1 rows, one per path"):
        simulated_grids(path_through(100.0), grid(), maintenance=Maintenance.assumed(2))


def test_the_compiled_numbers_are_those_of_the_enumerations() -> None:
    for reason in EndReason:
        assert getattr(kernels, reason.name) == reason
    assert list(FillOrder)[kernels.CANDLE] is FillOrder.CANDLE
    assert list(FillOrder)[kernels.LOW_FIRST] is FillOrder.LOW_FIRST
    assert kernels.LOADED == Start.LOADED


def run_in(folder: Path, home: Path) -> list[str]:
    drop = ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")
    kept = {name: value for name, value in os.environ.items() if name not in drop}
    done = subprocess.run(
        [sys.executable, "-B", "-c", PROGRAM.format(folder=str(folder))],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(folder), "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.slow
def test_compiled_once_for_a_user_and_each_time_where_nothing_can_be_kept(
    tmp_path: Path,
) -> None:
    tree, home = tmp_path / "tree", tmp_path / "home"
    home.mkdir()
    for name in ("grid_screening", "monitor", "vp_squeeze", "tests"):
        shutil.copytree(
            ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    # files where folders would be made: nobody can write there, not even root
    (tree / "grid_screening" / "backtest" / "__pycache__").touch()
    first, second = run_in(tree, home), run_in(tree, home)
    assert [first[1], second[1]] == ["0", "1"]
    shutil.rmtree(home / ".cache")
    (home / ".cache").touch()
    third = run_in(tree, home)
    assert third[1] == "0"
    assert first[0] == second[0] == third[0] == PNL
