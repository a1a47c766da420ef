"""What the listed grids risk together, in words."""

from grid_screening.reports import wording
from grid_screening.screening_report import ScreeningReport


def portfolio_lines(report: ScreeningReport) -> list[str]:
    """Return the sentences on all listed grids together; empty without any."""
    risk = report.portfolio
    if risk is None:
        return []
    quote = wording.quote_asset(report)
    squeezes = "; ".join(
        f"+{wording.percent(squeeze.rise)} −{squeeze.loss:.0f} "
        f"({squeeze.stopped} stopped; −{squeeze.loss_without_stops:.0f} "
        "if no stop fills)"
        for squeeze in risk.squeezes
    )
    together = (
        f"all {risk.grids} grids together: margin {risk.margin:.0f} {quote}, the most "
        f"they can lose; {risk.loss_at_stops:.0f} if all are stopped"
    )
    bets = (
        f"{wording.rounded(risk.independent_bets, 1)} independent bets among "
        f"{risk.grids} (correlation of the bars' returns)"
    )
    return [together, f"common squeeze, {quote}: {squeezes}", bets]
