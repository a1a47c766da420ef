"""``make bench``: every figure beside its bound and its peer, measured in one run."""

from rich.console import Console
from rich.table import Table

from tests.benchmarks import scan
from tests.benchmarks.rows import BenchRow


def measured() -> list[BenchRow]:
    """Return all rows.

    Processes come first: the kernel counts the peak of the process that starts
    another one to that one's, so that this one must still be small.
    """
    processes = list(scan.rows())
    from tests.benchmarks import accuracy, backtest, factors, study, volume_profile

    return [
        *accuracy.rows(),
        *factors.rows(),
        *volume_profile.rows(),
        *backtest.rows(),
        *processes,
        *study.rows(),
    ]


def main() -> None:
    """Measure and print."""
    table = Table("figure", "here", "bound", "reached", "beside")
    for row in measured():
        verdict = {None: "", True: "yes", False: "NO"}[row.reached]
        table.add_row(row.name, row.ours, row.bound, verdict, row.peer)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
