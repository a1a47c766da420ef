"""``manage.py kline_cache``."""

import io
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command

from monitor.market_data.kline_file import ASIDE_SUFFIX, FILE_NAME
from monitor.market_data.kline_store import KlineStore
from monitor.market_data.series import KlineSeries
from tests.kline_builders import bars


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.SCREENER = {"data_dir": tmp_path}
    return tmp_path


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("kline_cache", *arguments, stdout=out)
    return out.getvalue()


def document() -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(run("--format", "json"))
    return found


def fill(folder: Path, exchange: str, *symbols: str) -> None:
    with KlineStore(folder, exchange=exchange) as store:
        for symbol in symbols:
            store.keep(KlineSeries(klines=bars(300, symbol=symbol)))
        store.count(hits=1234)


def test_a_store_that_is_not_there_is_no_error(folder: Path) -> None:
    path = folder / FILE_NAME
    assert run() == f"kline cache {path}: no file yet\n"
    assert run("--clear") == f"dropped 0 series of {path}\n"
    assert document()["exists"] is False
    assert list(folder.iterdir()) == []


def test_the_table_tells_what_is_kept(folder: Path) -> None:
    fill(folder, "http://127.0.0.1:8900", "AAA", "BBB")
    lines = run().splitlines()
    assert lines[0] == f"kline cache {folder / FILE_NAME}: 0.1 of 256.0 MB"
    headings, row = lines[2:4]
    assert headings.split()[:4] == ["exchange", "interval", "series", "bars"]
    assert row.split() == [
        *("http://127.0.0.1:8900", "4h", "2", "600"),
        *("2015-08-24", "00:00", "2015-10-12", "20:00", "0.1"),
    ]
    assert len(headings) == len(row)
    assert lines[4:] == [
        "",
        "since the file was made:",
        "  hits: 1,234",
    ]


def test_the_document_has_plain_values(folder: Path) -> None:
    fill(folder, "http://x", "AAA", "BBB")
    found = document()
    whole = bars(300)
    assert found["groups"] == [
        {
            "exchange": "http://x",
            "interval": "4h",
            "series": 2,
            "bars": 600,
            "first_open": int(whole.open_time[0]),
            "last_open": int(whole.open_time[-1]),
            "size": 600 * 88,
        }
    ]
    assert found["size"] == (folder / FILE_NAME).stat().st_size
    assert found["limit"] == 256_000_000
    assert found["counters"]["hits"] == 1234
    assert found["counters"]["misses"] == 0


def test_one_exchange_can_be_dropped(folder: Path) -> None:
    fill(folder, "http://x", "AAA", "BBB")
    fill(folder, "http://y", "AAA")
    assert run("--clear", "--exchange", "HTTP://X/").startswith("dropped 2 series")
    assert [group["exchange"] for group in document()["groups"]] == ["http://y"]
    size = document()["size"]
    assert run("--clear").startswith("dropped 1 series")
    assert document()["groups"] == []
    assert document()["size"] < size


def test_a_damaged_file_is_named_and_can_be_cleared(folder: Path) -> None:
    path = folder / FILE_NAME
    path.write_bytes(b"nonsense" * 1000)
    with pytest.raises(CommandError) as caught:
        run()
    assert str(caught.value) == (
        f"cannot use {path}: file is not a database; remove it, scans make a new one"
    )
    assert caught.value.returncode == 74
    assert run("--clear").startswith("dropped 0 series")
    assert document()["exists"] is False
    assert not path.with_name(path.name + ASIDE_SUFFIX).exists()


def test_a_folder_that_is_none_is_named(tmp_path: Path, settings: Any) -> None:
    (tmp_path / "file").mkdir()
    path = tmp_path / "file" / FILE_NAME
    path.mkdir()
    settings.SCREENER = {"data_dir": tmp_path / "file"}
    with pytest.raises(CommandError, match="unable to open database file") as caught:
        run()
    assert caught.value.returncode == 74
    assert path.is_dir()


def test_wrong_flags_and_settings_are_usage(folder: Path, settings: Any) -> None:
    with pytest.raises(CommandError, match="must come with --clear") as caught:
        run("--exchange", "http://x")
    assert caught.value.returncode == 2
    settings.SCREENER = {"data_dir": folder, "kline_cache_mb": -1}
    with pytest.raises(CommandError, match="kline_cache_mb must be") as caught:
        run()
    assert caught.value.returncode == 2


@pytest.mark.parametrize("screener", [[1], {"data_dir": 7}])
def test_settings_that_are_none_end_with_2(settings: Any, screener: object) -> None:
    settings.SCREENER = screener
    with pytest.raises(CommandError, match="must be") as was:
        run()
    assert was.value.returncode == 2
