"""``make bench``: every figure beside its bound and its peer, measured in one run."""

from rich.console import Console
from rich.table import Table

from tests.benchmarks import accuracy, backtest, factors, scan, study, volume_profile


def main() -> None:
    """Measure and print."""
    table = Table("figure", "here", "bound", "reached", "beside")
    for row in (
        *accuracy.rows(),
        *factors.rows(),
        *volume_profile.rows(),
        *backtest.rows(),
        *scan.rows(),
        *study.rows(),
    ):
        verdict = {None: "", True: "yes", False: "NO"}[row.reached]
        table.add_row(row.name, row.ours, row.bound, verdict, row.peer)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
