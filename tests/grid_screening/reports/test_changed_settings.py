"""Settings of a scan as the flags that give them."""

from grid_screening.conf import ScreenerSettings
from grid_screening.reports import wording
from tests.grid_screening.reports.samples import report


def test_settings_are_spelt_as_flags() -> None:
    changed = {"deep": True, "cache": False, "grid_margin_usdt": 500.0, "bounds": "atr"}
    settings = ScreenerSettings().merged(changed).by_flag()
    found = wording.changed_settings(report(settings=settings))
    assert sorted(found) == ["--deep", "--margin 500", "--no-cache"]
