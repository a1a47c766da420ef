"""A stop-out probability in words."""

from math import exp, expm1

from grid_screening.reports.wording import rounded
from grid_screening.screening_report import StopOutOutlook

_WHOLE_PERCENT_FROM = 0.0095
# below, a whole percent would hide the interval


def probability(value: float, low: float, high: float, *, unit: str = " %") -> str:
    """Return a probability with its interval, in percent: ``14 % (12–17)``.

    ``unit`` is empty where a heading has it.
    """
    decimals = 0 if low >= _WHOLE_PERCENT_FROM else 1
    texts = [rounded(share * 100, decimals) for share in (value, low, high)]
    return f"{texts[0]}{unit} ({texts[1]}–{texts[2]})"


def stop_out_inputs(outlook: StopOutOutlook) -> str:
    """Return what a stop-out probability is told from, in words."""
    given = outlook.features
    width, surge, natr = (
        exp(given[name]) for name in ("log_width", "log_volume_surge", "log_natr")
    )
    change = expm1(given["return_7d"]) * 100
    below = -given["distance_to_30d_high"] * 100
    return (
        f"range {rounded(width, 2)} daily ranges wide, "
        f"{rounded(change, 1, sign=True)} % in 7 days, "
        f"24 h volume {rounded(surge, 2)} × its 30-day mean, "
        f"{rounded(below, 1)} % below the 30-day high, NATR {rounded(natr, 2)} %"
    )
