"""A recorded scan, replayed, is the same scan."""

import io
import json
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grid_screening.conf import ScreenerSettings
from grid_screening.exceptions import UnreadableRecording
from grid_screening.reports.json import report_json
from grid_screening.services.recorded_market import RecordingMarket, ReplayedMarket
from grid_screening.services.recording_file import (
    MANIFEST,
    RecordedScan,
    is_recording,
    read_recording,
    recorded_report,
    recording_bytes,
)
from grid_screening.services.scan_service import Scan, scan
from grid_screening.services.screening_service import live_market
from monitor.api_clients.binance import BinanceFuturesClient
from monitor.conf import GatewayConfig
from monitor.domain.instruments import LeverageBracket
from monitor.simulator.server import EmbeddedExchange
from tests.end_to_end.conftest import Command, control

RUN_TIME_FIELDS = ("generated_at", "seconds", "requests", "source")
SETTINGS = ScreenerSettings(min_volume=0.0, top=5)
BROKEN = "/fapi/v1/klines"


def faults(exchange: EmbeddedExchange) -> list[dict[str, Any]]:
    """One contract of each kind of failure."""
    truth = control(exchange, "truth")
    names = [n for n, row in truth.items() if row["kind"] == "mean_reverting"][:5]
    assert len(names) == 5
    rejected = {"code": -1122, "msg": "Invalid symbol status."}
    return [
        {"path": BROKEN, "symbol": names[0], "times": None, "status": 400,
         "body": rejected},
        {"path": BROKEN, "symbol": names[1], "times": None, "body_text": "[["},
        {"path": BROKEN, "symbol": names[2], "times": None, "patch": {"/7/4": "NaN"}},
        {"path": BROKEN, "symbol": names[3], "times": None,
         "patch": {"/50": {"$delete": True}}},
        {"path": "/fapi/v1/openInterest", "symbol": names[4], "times": None,
         "status": 503},
        {"path": "/fapi/v1/premiumIndex", "patch": {"/3/markPrice": ""}},
    ]  # fmt: skip


@pytest.fixture(scope="module")
def damaged_exchange() -> Iterator[EmbeddedExchange]:
    with EmbeddedExchange(contracts=60, seed=11) as exchange:
        yield exchange


@pytest.fixture(scope="module")
def recorded(damaged_exchange: EmbeddedExchange) -> tuple[Scan, bytes]:
    """A scan of an exchange with failures, and the file that holds it."""
    control(damaged_exchange, "faults", faults(damaged_exchange))
    address = damaged_exchange.base_url
    config = GatewayConfig(base_url=address, ledger_url="memory://")
    with BinanceFuturesClient(config) as client:
        market = RecordingMarket(live_market(client))
        done = scan(SETTINGS, market, source="simulated")
    content = recording_bytes(
        market.recording(),
        settings=SETTINGS,
        exchange=address,
        source="simulated",
        generated_at=done.report.generated_at,
        report_json=report_json(done.report),
    )
    control(damaged_exchange, "reset")
    return done, content


@pytest.fixture
def file(recorded: tuple[Scan, bytes], tmp_path: Path) -> Path:
    path = tmp_path / "scan.zip"
    path.write_bytes(recorded[1])
    return path


def same(document: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in document.items() if k not in RUN_TIME_FIELDS}


def replayed(found: RecordedScan, wanted: ScreenerSettings) -> Scan:
    return scan(wanted, ReplayedMarket(found.recording), source="snapshot")


class TestReplay:
    def test_the_scan_had_every_kind_of_failure(
        self, recorded: tuple[Scan, bytes]
    ) -> None:
        codes = {row.reason.code for row in recorded[0].report.excluded}
        assert {"request_failed", "malformed_payload", "gap"} <= codes
        assert recorded[0].report.coverage < 1
        notes = " ".join(recorded[0].report.notes)
        assert "open interest missing" in notes

    def test_the_json_is_the_same_to_the_byte(
        self, recorded: tuple[Scan, bytes], file: Path
    ) -> None:
        found = read_recording(file)
        assert found.settings == SETTINGS
        again = replayed(found, found.settings)
        first, second = (
            same(orjson.loads(report_json(done.report)))
            for done in (recorded[0], again)
        )
        assert orjson.dumps(first) == orjson.dumps(second)
        assert again.report.source == "snapshot"
        assert again.report.requests.count == 0

    def test_the_arrays_are_the_same_to_the_bit(
        self, recorded: tuple[Scan, bytes], file: Path
    ) -> None:
        before, after = recorded[0], replayed(read_recording(file), SETTINGS)
        for name in ("open", "high", "low", "close", "volume", "taker_buy_volume"):
            first, second = (getattr(done.snapshot, name) for done in (before, after))
            assert first.tobytes() == second.tobytes(), name
        for name, column in before.result.factors.values.items():
            np.testing.assert_array_equal(column, after.result.factors[name])

    def test_other_settings_rank_the_same_market(
        self, recorded: tuple[Scan, bytes], file: Path
    ) -> None:
        fewer = SETTINGS.merged({"top": 2, "grid_margin_usdt": 5_000.0})
        again = replayed(read_recording(file), fewer).report
        listed = [row.symbol for row in recorded[0].report.ranked][:2]
        assert [row.symbol for row in again.ranked] == listed
        assert again.coverage == recorded[0].report.coverage

    def test_what_was_not_read_then_is_missing_now(self, file: Path) -> None:
        more = SETTINGS.merged({"top": 12})
        report = replayed(read_recording(file), more).report
        reasons = [r.grid_reason.text for r in report.ranked if r.grid_reason]
        missing = "99 bars of 1d not recorded: that scan did not ask for it"
        assert reasons.count(missing) == 12 - 5

    def test_the_report_of_then_can_be_had_without_the_tables(
        self, recorded: tuple[Scan, bytes], file: Path
    ) -> None:
        expected = orjson.loads(report_json(recorded[0].report))
        assert recorded_report(file) == expected
        assert is_recording(file)

    def test_the_tables_are_parquet(self, file: Path) -> None:
        import pandas as pd

        with zipfile.ZipFile(file) as archive:
            bars = pd.read_parquet(io.BytesIO(archive.read("klines.parquet")))
        assert {"symbol", "open_time", "close"} <= set(bars.columns)
        four_hours = bars[(bars.interval == "4h") & (bars.symbol == "BTCUSDT")]
        assert len(four_hours) == 300

    def test_the_same_scan_is_the_same_file(
        self, recorded: tuple[Scan, bytes], file: Path
    ) -> None:
        found = read_recording(file)
        again = recording_bytes(
            found.recording,
            settings=found.settings,
            exchange=str(found.manifest["exchange"]),
            source=str(found.manifest["source"]),
            generated_at=str(found.manifest["recorded_at"]),
            report_json=zipfile.ZipFile(file).read("report.json"),
        )
        assert again == recorded[1]


def with_manifest(content: bytes, **changes: Any) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            member = old.read(name)
            if name == MANIFEST:
                member = orjson.dumps(orjson.loads(member) | changes)
            new.writestr(name, member)
    return out.getvalue()


class TestUnreadable:
    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"format": 2}, "its format must be 1, was 2"),
            ({"files": {"x.parquet": {"sha256": ""}}}, "x.parquet is missing"),
            ({"files": {"report.json": {"sha256": "0"}}}, "report.json is damaged"),
            ({"settings": {"topp": 1}}, "setting must be one of"),
            ({"settings": {"top": -1}}, "top must be a whole number"),
            ({"files": 3}, "no manifest"),
            ({"files": {}}, " has no hash"),
            ({"as_of_ms": "x"}, "its manifest lacks as_of_ms"),
            ({"exchange": None}, "its manifest lacks exchange"),
        ],
    )
    def test_a_wrong_manifest_is_told(
        self,
        recorded: tuple[Scan, bytes],
        tmp_path: Path,
        changes: dict[str, Any],
        told: str,
    ) -> None:
        path = tmp_path / "scan.zip"
        path.write_bytes(with_manifest(recorded[1], **changes))
        with pytest.raises(UnreadableRecording) as problem:
            read_recording(path)
        assert str(problem.value).startswith(f"{path} is not a readable recording: ")
        assert told in str(problem.value)

    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(place=st.floats(0, 1, exclude_max=True), value=st.integers(1, 255))
    def test_a_changed_byte_is_noticed_or_means_nothing(
        self, recorded: tuple[Scan, bytes], tmp_path: Path, place: float, value: int
    ) -> None:
        content = bytearray(recorded[1])
        content[int(place * len(content))] ^= value
        path = tmp_path / "changed.zip"
        path.write_bytes(bytes(content))
        try:
            found = read_recording(path)
        except UnreadableRecording:
            return
        expected = orjson.loads(report_json(recorded[0].report))
        assert found.report == expected
        assert found.settings == SETTINGS

    def test_a_damaged_deflated_file_is_told(
        self, recorded: tuple[Scan, bytes], tmp_path: Path
    ) -> None:
        path = tmp_path / "packed.zip"
        with (
            zipfile.ZipFile(io.BytesIO(recorded[1])) as old,
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new,
        ):
            for name in old.namelist():
                new.writestr(name, old.read(name))
        assert read_recording(path).settings == SETTINGS
        content = bytearray(path.read_bytes())
        middle = len(content) // 2
        content[middle : middle + 2000] = bytes(2000)
        path.write_bytes(bytes(content))
        with pytest.raises(UnreadableRecording):
            read_recording(path)

    @pytest.mark.parametrize("length", [0, 1, 100, 10_000])
    def test_a_file_that_was_cut_off_is_no_recording(
        self, recorded: tuple[Scan, bytes], tmp_path: Path, length: int
    ) -> None:
        path = tmp_path / "scan.zip"
        path.write_bytes(recorded[1][:length])
        with pytest.raises(UnreadableRecording, match="not a readable recording"):
            read_recording(path)

    def test_no_file_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(UnreadableRecording, match="No such file"):
            read_recording(tmp_path / "none.zip")


def test_a_deep_scan_replays_to_the_byte(
    damaged_exchange: EmbeddedExchange, tmp_path: Path
) -> None:
    address = damaged_exchange.base_url
    wanted = SETTINGS.merged({
        "deep": True, "bounds": "quantile", "spacing": "geometric", "start": "flat",
    })  # fmt: skip
    with BinanceFuturesClient(
        GatewayConfig(base_url=address, ledger_url="memory://")
    ) as client:
        market = RecordingMarket(live_market(client))
        done = scan(wanted, market, source="simulated")
    content = recording_bytes(
        market.recording(),
        settings=wanted,
        exchange=address,
        source="simulated",
        generated_at=done.report.generated_at,
        report_json=report_json(done.report),
    )
    found = read_recording(_written(content, tmp_path))
    assert found.settings == wanted
    first, second = (
        same(orjson.loads(report_json(scanned.report)))
        for scanned in (done, replayed(found, found.settings))
    )
    assert orjson.dumps(first) == orjson.dumps(second)
    grids = [row["grid"] for row in second["ranked"] if row["grid"] is not None]
    assert [grid["deep_bars"] for grid in grids] == [1440] * len(grids)
    assert {grid["spacing"] for grid in grids} == {"geometric"}
    assert len(grids) > 1
    assert second["portfolio"]["grids"] == len(grids)


def test_brackets_are_recorded(recorded: tuple[Scan, bytes], tmp_path: Path) -> None:
    bracket = LeverageBracket(
        notional_floor=Decimal(0),
        notional_cap=Decimal("1E+6"),
        initial_leverage=20,
        maintenance_margin_rate=Decimal("0.010"),
        cumulative_amount=Decimal("0.0"),
    )
    given_brackets = SETTINGS.merged({"brackets": {"AUSDT": (bracket,)}})
    found = read_recording(_written(recorded[1], tmp_path))
    content = recording_bytes(
        found.recording,
        settings=given_brackets,
        exchange="x",
        source="live",
        generated_at="2026-10-07T12:00:00Z",
        report_json=b"{}",
    )
    assert read_recording(_written(content, tmp_path)).settings == given_brackets


def _written(content: bytes, folder: Path) -> Path:
    path = folder / "written.zip"
    path.write_bytes(content)
    return path


class TestHeldMembers:
    def test_a_replay_lists_the_members_that_were_held(
        self, recorded: tuple[Scan, bytes], file: Path
    ) -> None:
        found = read_recording(file)
        wanted = SETTINGS.merged({"hold": 4})
        order = [row.symbol for row in recorded[0].report.ranked]
        order += [row.symbol for row in recorded[0].report.not_listed]
        held = order[6:9]
        first = scan(
            wanted, ReplayedMarket(found.recording), source="simulated", held=held
        )
        assert {*held} & {row.symbol for row in first.report.ranked}
        content = recording_bytes(
            found.recording,
            settings=wanted,
            exchange="x",
            source="simulated",
            generated_at="2026-10-07T12:00:00Z",
            report_json=b"{}",
            held=first.held,
        )
        file.write_bytes(content)
        again = read_recording(file)
        second = scan(
            again.settings,
            ReplayedMarket(again.recording),
            source="snapshot",
            held=again.held,
        )
        assert second.report.ranked == first.report.ranked


class TestCommand:
    def test_a_replay_needs_no_exchange(
        self, command: Command, exchange: EmbeddedExchange, tmp_path: Path
    ) -> None:
        file, first, second = (tmp_path / n for n in ("s.zip", "a.json", "b.json"))
        flags = ("screen_short_grid", "--top", "3", "--min-volume", "10000000")
        recording = ("--record", str(file), "--output", str(first), "--quiet")
        done = command(*flags, *recording, url=exchange.base_url)
        assert (done.returncode, done.stderr) == (0, "")
        sent = len(control(exchange, "requests"))
        nowhere = "http://127.0.0.1:9"
        replay = ("screen_short_grid", "--snapshot", str(file), "--output", str(second))
        done = command(*replay, "--quiet", url=nowhere)
        assert (done.returncode, done.stderr) == (0, "")
        before, after = (json.loads(path.read_bytes()) for path in (first, second))
        assert same(before) == same(after)
        assert after["source"] == "snapshot"
        assert len(control(exchange, "requests")) == sent

    @pytest.mark.parametrize(
        ("flags", "told"),
        [
            (("--demo",), "--snapshot and --demo exclude each other"),
            (("--dry-run",), "--snapshot and --dry-run exclude each other"),
            (("--record", "x.zip"), "--snapshot and --record exclude each other"),
            (("--bars", "99"), "--bars must be 300, as recorded, in a replay"),
            (("--interval", "1h"), "--interval must be 4h, as recorded, in a replay"),
        ],
    )
    def test_flags_that_contradict_a_replay_are_refused(
        self, command: Command, file: Path, flags: tuple[str, ...], told: str
    ) -> None:
        done = command("screen_short_grid", "--snapshot", str(file), *flags)
        assert done.returncode == 2
        assert done.stderr == f"screen_short_grid: {told}\n"

    def test_no_recording_is_a_mistake_of_use(
        self, command: Command, tmp_path: Path
    ) -> None:
        path = tmp_path / "text.zip"
        path.write_text("no zip", encoding="utf-8")
        done = command("screen_short_grid", "--snapshot", str(path))
        assert done.returncode == 2
        assert "is not a readable recording: File is not a zip file" in done.stderr
