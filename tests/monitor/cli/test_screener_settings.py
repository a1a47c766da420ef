"""What commands read in ``settings.SCREENER``, and where history lies."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from monitor.cli.exit_codes import UsageError
from monitor.cli.screener_settings import history_folder


def test_history_lies_in_the_data_folder(settings: Settings, tmp_path: Path) -> None:
    settings.SCREENER = {"data_dir": str(tmp_path)}
    assert history_folder(None) == tmp_path / "history"


def test_a_folder_that_is_named_is_taken() -> None:
    assert history_folder("~/bars") == Path("~/bars").expanduser()


def test_a_data_folder_that_is_no_path_is_refused(settings: Settings) -> None:
    settings.SCREENER = {"data_dir": 7}
    with pytest.raises(UsageError, match="data_dir must be a path, was 7"):
        history_folder(None)


@pytest.mark.parametrize(
    "arguments",
    [
        ("validate_gss",),
        ("backtest_short_grid", "BTCUSDT", "--start", "2025-01-01"),
    ],
)
def test_commands_look_where_downloads_go(
    arguments: tuple[str, ...], settings: Settings, tmp_path: Path
) -> None:
    settings.SCREENER = {"data_dir": str(tmp_path)}
    with pytest.raises(CommandError) as caught:
        call_command(*arguments)
    assert f"history {tmp_path / 'history'}: no such folder" in str(caught.value)
    assert "download_history" in str(caught.value)
