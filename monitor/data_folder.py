"""Where commands and gateways keep what outlives them."""

from pathlib import Path

APPLICATION = "short-grid-screener"


def data_folder(chosen: Path | str | None = None) -> Path:
    """Return the folder for caches, ledgers and counts; it may not exist yet.

    Parameters
    ----------
    chosen : Path or str, optional
        As configured; by default the user's data folder (``XDG_DATA_HOME``).
    """
    if chosen is not None:
        return Path(chosen)
    from platformdirs import user_data_path

    return user_data_path(APPLICATION)
