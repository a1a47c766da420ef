"""F03: a ban is known to everybody on the machine, until its end."""

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from grid_screening import ScreenerSettings, screen_short_grid
from monitor.exceptions import IpBanned
from tests.faults.rig import (
    IN_FLIGHT_MS,
    JSON_SCAN,
    SCAN,
    Commands,
    Ended,
    Rig,
    between,
)

BAN_MS = 180_000
SHORTEST_BAN_MS = 120_000
"""Assumed when the exchange does not say until when; it bans for no less."""
WORDLESS = {"code": -1003, "msg": "Way too many requests."}
TOLD: dict[str, dict[str, object]] = {
    "banned until": {"told_ban_ms": BAN_MS, "ban_ms": BAN_MS},
    "Retry-After": {
        "headers": {"Retry-After": str(BAN_MS // 1000)},
        "body": WORDLESS,
        "ban_ms": BAN_MS,
    },
    "neither": {"body": WORDLESS},
}
LASTS_MS = {"banned until": BAN_MS, "Retry-After": BAN_MS, "neither": SHORTEST_BAN_MS}
ASLEEP = ("-m", "tests.faults.shifted_command", "asleep")


def told_end_ms(ended: Ended) -> float:
    """Return the time in the message, which must be Shanghai's."""
    found = re.search(r"until (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) CST", ended.complaint)
    assert found is not None, ended.complaint
    zone = ZoneInfo("Asia/Shanghai")
    return datetime.fromisoformat(found[1]).replace(tzinfo=zone).timestamp() * 1000


class TestBan:
    """F03."""

    @pytest.mark.parametrize("how", sorted(TOLD))
    def test_nothing_is_sent_after_it_by_this_or_any_later_process(
        self, how: str, rig: Rig, commands: Commands
    ) -> None:
        rig.script({"path": "*", "from_weight": 150, "status": 418, **TOLD[how]})
        first = commands.run(*JSON_SCAN, TZ="Asia/Shanghai")
        log = rig.log()
        banned_ms = next(row["at_ms"] for row in log if row["status"] == 418)
        assert first.code == 75
        assert between(log, banned_ms + IN_FLIGHT_MS, banned_ms + BAN_MS) == []
        expected_ms = banned_ms + LASTS_MS[how]
        assert told_end_ms(first) == pytest.approx(expected_ms, abs=2_000)
        for _ in range(3):
            later = commands.run(*SCAN, TZ="Asia/Shanghai")
            assert later.code == 75
            assert told_end_ms(later) == pytest.approx(expected_ms, abs=2_000)
            assert later.is_prompt(1.0)
        assert len(rig.log()) == len(log)

    def test_processes_that_run_already_stop_too(
        self, rig: Rig, commands: Commands
    ) -> None:
        rig.script(
            {
                "path": "*",
                "from_weight": 250,
                "status": 418,
                "ban_ms": BAN_MS,
                "told_ban_ms": BAN_MS,
            },
            {"path": "*", "delay_ms": 100, "times": None},
        )
        scans = [commands.start(*JSON_SCAN) for _ in range(3)]
        ended = [scan.ended() for scan in scans]
        log = rig.log()
        banned_ms = next(row["at_ms"] for row in log if row["status"] == 418)
        assert [e.code for e in ended] == [75] * 3
        assert between(log, banned_ms + IN_FLIGHT_MS, banned_ms + BAN_MS) == []

    def test_a_program_that_imports_the_screener_obeys_it(
        self, rig: Rig, commands: Commands, settings: Any
    ) -> None:
        rig.script({"path": "*", "status": 418, "told_ban_ms": BAN_MS})
        assert commands.run(*SCAN).code == 75
        sent = len(rig.log())
        settings.SCREENER = {
            "base_url": rig.base_url,
            "data_dir": commands.folder,
            "min_volume": 0.0,
        }
        with pytest.raises(IpBanned):
            screen_short_grid(ScreenerSettings())
        assert len(rig.log()) == sent

    @pytest.mark.parametrize("how", sorted(TOLD))
    def test_a_scan_works_again_when_it_is_over_and_not_before(
        self, how: str, rig: Rig, commands: Commands
    ) -> None:
        rig.script({"path": "*", "from_weight": 150, "status": 418, **TOLD[how]})
        assert commands.run(*JSON_SCAN).code == 75
        sent = len(rig.log())
        early_ms = LASTS_MS[how] - 30_000
        rig.advance(early_ms)
        still = commands.run(str(early_ms / 1000), *JSON_SCAN, program=ASLEEP)
        assert (still.code, len(rig.log())) == (75, sent)
        late_ms = LASTS_MS[how] + 10_000
        rig.advance(late_ms - early_ms)
        again = commands.run(str(late_ms / 1000), *JSON_SCAN, program=ASLEEP)
        assert again.code == 0, again.stderr
        assert {row["status"] for row in rig.log()[sent:]} == {200}

    def test_a_ban_before_the_exchanges_time_is_known_is_kept_too(
        self, rig: Rig, commands: Commands
    ) -> None:
        rig.script({"path": "*", "status": 418, "body": WORDLESS})
        for _ in range(2):
            assert commands.run(*SCAN).code == 75
        assert len(rig.log()) == 1
        late_ms = SHORTEST_BAN_MS + 10_000
        rig.advance(late_ms)
        again = commands.run(str(late_ms / 1000), *JSON_SCAN, program=ASLEEP)
        assert again.code == 0, again.stderr

    def test_a_wrong_wall_clock_lifts_no_ban(
        self, rig: Rig, commands: Commands
    ) -> None:
        rig.script({"path": "*", "from_weight": 150, "status": 418, **TOLD["neither"]})
        assert commands.run(*JSON_SCAN).code == 75
        sent = len(rig.log())
        wrong = (*ASLEEP[:-1], "wrong")
        for shift_s in ("3600", "-3600"):
            assert commands.run(shift_s, *SCAN, program=wrong).code == 75
        assert len(rig.log()) == sent

    def test_an_old_report_stays_as_it_is(self, rig: Rig, commands: Commands) -> None:
        report = commands.folder.parent / "report.json"
        report.write_text("yesterday")
        rig.script({"path": "*", "status": 418, "told_ban_ms": BAN_MS})
        for _ in range(2):
            ended = commands.run(*JSON_SCAN, "--output", str(report))
            assert ended.code == 75
            assert ended.is_prompt(1.0)
        assert report.read_text() == "yesterday"
        assert len(rig.log()) == 1
