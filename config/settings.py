"""Django settings. A scan needs no database, no migration and no SECRET_KEY."""

from secrets import token_urlsafe
from typing import Any

from config import env

DEBUG = env.boolean("DJANGO_DEBUG", default=False)
SECRET_KEY = env.text("DJANGO_SECRET_KEY") or token_urlsafe(50)
ALLOWED_HOSTS: list[str] = []

INSTALLED_APPS = ["monitor", "vp_squeeze", "grid_screening"]
MIDDLEWARE: list[str] = []
DATABASES: dict[str, Any] = {}

USE_TZ = True
TIME_ZONE = None  # the machine's own: a ban's end is told as the user's clock shows it
LANGUAGE_CODE = "en-us"

SCREENER: dict[str, Any] = {
    name: value
    for name, value in {
        "base_url": env.text("BINANCE_FAPI_URL"),
        "spot_url": env.text("BINANCE_SPOT_URL"),
        "data_dir": env.folder("SCREENER_DATA_DIR"),
        "rate_ledger_url": env.text("RATE_LEDGER_URL"),
        "archive_url": env.text("BINANCE_ARCHIVE_URL"),
        "archive_listing_url": env.text("BINANCE_ARCHIVE_LISTING_URL"),
    }.items()
    if value is not None
}
"""Overrides of `grid_screening.conf.ScreenerSettings`, plus ``base_url``, ``proxy``
and ``data_dir``. Flags override these."""
