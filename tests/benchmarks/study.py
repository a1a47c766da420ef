"""Time of a validation study, for each contract and scan.

``python -m tests.benchmarks.study`` prints the row.
"""

import sys
from time import perf_counter

from grid_screening.validation.outcomes import origin_outcomes
from grid_screening.validation.study import Source, study
from monitor.domain.market import DAY_MS
from tests.benchmarks.rows import BenchRow
from tests.grid_screening.validation import markets
from tests.histories import day_ms

BOUND_MS = 10.0
"""A study of 190 scans of 185 contracts is then done in six minutes."""

FIRST_DAY, SCANS = 60, 20


def rows() -> list[BenchRow]:
    """Measure in this process, on one core, and return the line of the table.

    All variants of a study of hourly bars: 17 simulated grids for each contract and
    scan, drawn in ten ways, then statistics with 1,000 placebo scores.
    """
    settings = markets.small_settings(
        start_ms=day_ms(FIRST_DAY),
        end_ms=day_ms(FIRST_DAY) + (SCANS - 1) * DAY_MS,
        widths=(1.0, 1.5, 2.0, 2.5, 3.0, 4.0),
        placebo_count=1_000,
        bootstrap_draws=2_000,
        sensitivity=True,
    )
    of = markets.study_market(markets.trending_history(), settings)
    origin_outcomes(of, settings.start_ms)  # compiles
    begun = perf_counter()
    outcomes = [origin_outcomes(of, origin) for origin in settings.origins]
    scanned = perf_counter() - begun
    done = study(
        of,
        outcomes,
        Source(label="made up", fingerprint="0" * 64, problems=(), finer=""),
        clock=perf_counter,
        scan_seconds=scanned,
    )
    timing = done.result.timing
    each_ms = 1000 * timing.seconds_per_symbol_scan
    scans_ms = 1000 * scanned / timing.symbol_scans
    return [
        BenchRow(
            name="validation study, per contract and scan",
            ours=f"{each_ms:.2f} ms",
            bound=f"≤ {BOUND_MS:g} ms",
            reached=each_ms <= BOUND_MS,
            peer=f"scan, plans and grids {scans_ms:.2f} ms",
        )
    ]


if __name__ == "__main__":
    for row in rows():
        sys.stdout.write(f"{row}\n")
