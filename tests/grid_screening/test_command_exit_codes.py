"""Which error ends the command with which code, and what it says."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from grid_screening.cli.exit_codes import exit_code
from grid_screening.cli.scan_counts import stored_counts
from grid_screening.exceptions import (
    AllRequestsFailed,
    InvalidSettings,
    UnknownSymbols,
)
from grid_screening.screening_report import ScreeningReport
from grid_screening.services import scan_service
from monitor.cli.exit_codes import ExitCode, UsageError
from monitor.exceptions import (
    AccessDenied,
    ExchangeTimeout,
    ExchangeUnavailable,
    GarbledAnswer,
    IpBanned,
    MalformedPayload,
    RateLimited,
    RequestCancelled,
    RequestRejected,
    WaitTooLong,
)
from monitor.simulator.server import EmbeddedExchange, SimulatorFailed
from tests.grid_screening.reports.samples import empty, excluded, funnel, report

URL = "http://127.0.0.1:9"
UNREACHED = empty(
    funnel(("universe", 1), ("turnover", 0), ("data", 0), ("scored", 0), ("listed", 0)),
    (excluded("AUSDT", "turnover", "turnover", 4.4e7, 5e7),),
)

Install = Callable[..., list[Any]]


@pytest.fixture
def scan(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Replace the scan by one that returns or raises what it is told."""

    def install(
        outcome: ScreeningReport | Exception, *, broke_off: bool = False
    ) -> list[Any]:
        calls: list[Any] = []

        def replaced(settings: Any, market: Any, **more: Any) -> Any:
            calls.append((settings, market, more))
            if isinstance(outcome, Exception):
                raise outcome
            return SimpleNamespace(
                report=outcome, held=frozenset(), broke_off=broke_off
            )

        monkeypatch.setattr(scan_service, "scan", replaced)
        return calls

    screener = {
        "base_url": URL,
        "data_dir": tmp_path / "data",
        "rate_ledger_url": "memory://",
        "cache": False,
    }
    with override_settings(SCREENER=screener):
        yield install


def run(**options: Any) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("screen_short_grid", stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def failure(**options: Any) -> CommandError:
    with pytest.raises(CommandError) as caught:
        run(**options)
    return caught.value


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), 2),
        (InvalidSettings("top", "≥ 0", -1), 2),
        (UnknownSymbols(("XUSDT",)), 2),
        (AllRequestsFailed(5, "x"), 69),
        (ExchangeUnavailable("/x", "refused"), 69),
        (ExchangeTimeout("/x", 15.0), 69),
        (AccessDenied("/x", 451), 69),
        (MalformedPayload("/x", "no symbols"), 69),
        (GarbledAnswer("/x", "<html>"), 69),
        (RequestRejected("/x", 400, -1100, "x"), 69),
        (RateLimited("/x", 1_791_374_400_000), 75),
        (IpBanned(1_791_374_400_000), 75),
        (WaitTooLong(120.0, 90.0), 75),
        (RequestCancelled(), 130),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_every_known_error_has_its_code_and_is_told(
    error: Exception, code: int, scan: Install
) -> None:
    assert exit_code(error) == code
    scan(error)
    failed = failure()
    assert failed.returncode == code
    assert str(error) in str(failed)


def test_unknown_errors_are_bugs(scan: Install) -> None:
    assert exit_code(KeyError("x")) is ExitCode.INTERNAL
    scan(KeyError("x"))
    with pytest.raises(KeyError):
        run()


def test_a_scan_prints_the_table_and_nothing_else(scan: Install) -> None:
    calls = scan(report())
    out, err = run(top=3)
    assert "币安人生USDT" in out
    assert err == ""
    ((settings, _, more),) = calls
    assert settings.top == 3
    assert more["source"] == "simulated"
    assert callable(more["on_progress"])


@pytest.mark.parametrize("form", ["json", "csv", "markdown"])
def test_every_format_goes_to_standard_output(form: str, scan: Install) -> None:
    scan(report())
    out, err = run(format=form)
    assert "币安人生USDT" in out
    assert err == ""
    if form == "json":
        assert json.loads(out)["ranked"][0]["symbol"] == "币安人生USDT"


def test_a_written_report_is_announced_on_standard_error(
    scan: Install, tmp_path: Path
) -> None:
    scan(report())
    path = tmp_path / "report.json"
    out, err = run(format="json", output=str(path))
    assert out == ""
    assert err == f"screen_short_grid: wrote {path}\n"
    assert json.loads(path.read_bytes())["source"] == "live"


def test_quiet_says_nothing(scan: Install, tmp_path: Path) -> None:
    scan(report())
    assert run(quiet=True, output=str(tmp_path / "report.txt")) == ("", "")


def test_a_table_in_a_file_has_no_styles(scan: Install, tmp_path: Path) -> None:
    scan(report(degraded=False))
    path = tmp_path / "report.txt"
    run(output=str(path), force_color=True, quiet=True)
    assert b"\x1b" not in path.read_bytes()


def test_a_scan_that_broke_off_writes_its_report_no_recording_and_exits_3(
    scan: Install, tmp_path: Path
) -> None:
    scan(report(degraded=False), broke_off=True)
    path, recording = tmp_path / "report.json", tmp_path / "scan.zip"
    failed = failure(output=str(path), format="json", record=str(recording))
    assert failed.returncode == 3
    assert str(failed) == (
        f"degraded: {recording} not written: a scan that broke off has no replay"
    )
    assert json.loads(path.read_bytes())["degraded"] is False
    assert not recording.exists()


def test_a_degraded_report_is_written_and_exits_3(
    scan: Install, tmp_path: Path
) -> None:
    scan(report(degraded=True, coverage=0.8512))
    path = tmp_path / "report.json"
    failed = failure(format="json", output=str(path), quiet=True)
    assert failed.returncode == 3
    assert str(failed) == "degraded: coverage 85.1% is below 90.0%"
    assert json.loads(path.read_bytes())["degraded"] is True


def test_nothing_qualified_is_no_failure_unless_asked(scan: Install) -> None:
    scan(UNREACHED)
    out, _ = run()
    assert "No contract qualified." in out
    failed = failure(fail_empty=True)
    assert (failed.returncode, str(failed)) == (4, "no contract qualified")


def test_a_full_list_passes_with_fail_empty(scan: Install) -> None:
    scan(report())
    out, _ = run(fail_empty=True)
    assert "AAAUSDT" in out


def test_no_scan_is_made_for_a_report_that_cannot_be_written(
    scan: Install, tmp_path: Path
) -> None:
    calls = scan(report())
    (tmp_path / "file").touch()
    failed = failure(output=str(tmp_path / "file" / "report.json"))
    assert failed.returncode == 74
    assert "Not a directory" in str(failed)
    assert calls == []


@pytest.mark.parametrize("error", [AllRequestsFailed(5, "x"), IpBanned(0)])
def test_a_failed_scan_leaves_the_old_report(
    error: Exception, scan: Install, tmp_path: Path
) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(b"old")
    scan(error)
    failure(format="json", output=str(path))
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_bad_address_is_a_mistake_of_use(dry_run: bool) -> None:  # noqa: FBT001
    with override_settings(SCREENER={"base_url": "ftp://x"}):
        failed = failure(dry_run=dry_run)
    assert failed.returncode == 2
    assert "base_url (BINANCE_FAPI_URL) must be like https://" in str(failed)


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_password_in_the_address_is_refused_and_not_repeated(
    dry_run: bool,  # noqa: FBT001
) -> None:
    with override_settings(SCREENER={"base_url": "https://me:secret@x.example"}):
        failed = failure(dry_run=dry_run)
    assert failed.returncode == 2
    assert "base_url (BINANCE_FAPI_URL) must be" in str(failed)
    assert "secret" not in str(failed)


def test_a_scan_is_remembered_for_the_dry_run(scan: Install, tmp_path: Path) -> None:
    stages = funnel(("universe", 6), ("turnover", 5), ("data", 5), ("scored", 5))
    scan(report(funnel=stages))
    run()
    found = stored_counts(tmp_path / "data", URL)
    assert found is not None
    assert (found.universe, found.candidates) == (6, 5)
    out, err = run(dry_run=True)
    assert "5 of 6 symbols passed the filters" in out
    assert URL in out
    assert err == ""


def test_a_dry_run_scans_nothing(scan: Install) -> None:
    calls = scan(report())
    out, _ = run(dry_run=True, format="json")
    assert json.loads(out)["dry_run"] is True
    assert calls == []


def test_a_dry_run_is_written_like_a_report(scan: Install, tmp_path: Path) -> None:
    scan(report())
    path = tmp_path / "estimate.json"
    out, err = run(dry_run=True, output=str(path))
    assert (out, err) == ("", f"screen_short_grid: wrote {path}\n")
    assert json.loads(path.read_bytes())["dry_run"] is True
    text = tmp_path / "estimate.txt"
    assert run(dry_run=True, output=str(text), quiet=True) == ("", "")
    assert text.read_text(encoding="utf-8").startswith("dry run: nothing is sent\n")


@pytest.mark.parametrize("form", ["csv", "markdown"])
def test_a_dry_run_has_no_other_forms(form: str, scan: Install, tmp_path: Path) -> None:
    scan(report())
    failed = failure(dry_run=True, format=form, output=str(tmp_path / "x"))
    assert failed.returncode == 2
    assert str(failed) == (
        f"--dry-run has no form {form}: --format must be table or json"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_report_named_like_a_form_has_it(scan: Install, tmp_path: Path) -> None:
    scan(report())
    path = tmp_path / "report.csv"
    run(output=str(path), quiet=True)
    assert path.read_text(encoding="utf-8").startswith(
        "rank,rank_low,rank_high,symbol,gss,"
    )


def test_an_output_without_a_name_is_a_mistake_of_use(scan: Install) -> None:
    calls = scan(report())
    failed = failure(output="")
    assert failed.returncode == 2
    assert "--output must be a path" in str(failed)
    assert calls == []


def test_counts_that_cannot_be_stored_do_not_spoil_the_scan(
    scan: Install, tmp_path: Path
) -> None:
    (tmp_path / "data").touch()
    stages = funnel(("universe", 6), ("data", 5), ("scored", 5))
    scan(report(funnel=stages))
    out, err = run()
    assert "币安人生USDT" in out
    assert "counts for --dry-run were not stored" in err
    assert run(quiet=True)[1] == ""


def test_a_simulated_exchange_that_does_not_start_exits_69(
    monkeypatch: pytest.MonkeyPatch, scan: Install
) -> None:
    def refuse(_: EmbeddedExchange) -> EmbeddedExchange:
        raise SimulatorFailed("no port")

    monkeypatch.setattr(EmbeddedExchange, "__enter__", refuse)
    calls = scan(report())
    failed = failure(demo=True)
    assert failed.returncode == 69
    assert str(failed).endswith("simulated exchange: no port")
    assert calls == []
