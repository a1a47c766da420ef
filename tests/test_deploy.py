"""The ready schedules are what cron and systemd understand, and run real commands."""

import shlex
from configparser import ConfigParser
from datetime import UTC, datetime, timedelta

import pytest
from cronsim import CronSim
from oncalendar import OnCalendar, OnCalendarError

from grid_screening.management.commands.screen_short_grid import Command
from tests.recorded import ROOT

DEPLOY = ROOT / "deploy"
START = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
EXPECTED = [datetime(2026, 11, 24, hour, 5, tzinfo=UTC) for hour in (4, 8, 12)]


def cron_lines() -> list[str]:
    lines = (DEPLOY / "screener.crontab").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def unit(name: str) -> ConfigParser:
    parser = ConfigParser(interpolation=None, strict=True, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(DEPLOY / name, encoding="utf-8")
    return parser


def parsed_flags(command: str) -> dict[str, object]:
    words = shlex.split(command)
    at = words.index("screen_short_grid")
    parser = Command().create_parser("manage.py", "screen_short_grid")
    return vars(parser.parse_args(words[at + 1 :]))


class TestCrontab:
    def test_time_zone_comes_first_and_one_job_follows(self) -> None:
        zone, job = cron_lines()
        assert zone == "CRON_TZ=UTC"
        assert job.split()[5] == "cd"

    def test_it_runs_five_minutes_after_each_bar(self) -> None:
        schedule = " ".join(cron_lines()[1].split()[:5])
        runs = CronSim(schedule, START)
        assert [next(runs) for _ in range(3)] == EXPECTED

    def test_the_command_has_legal_flags_and_no_percent_sign(self) -> None:
        # cron turns an unescaped % into a line end
        job = cron_lines()[1]
        assert "%" not in job
        flags = parsed_flags(job)
        assert flags["output"] == "/var/lib/screener/reports/"
        assert flags["quiet"] is True


class TestSystemd:
    def test_the_timer_runs_five_minutes_after_each_bar(self) -> None:
        (calendar,) = (unit("screener.timer")["Timer"]["OnCalendar"],)
        runs = OnCalendar(calendar, START)
        assert [next(runs) for _ in range(3)] == EXPECTED
        assert EXPECTED[1] - EXPECTED[0] == timedelta(hours=4)

    def test_a_wrong_calendar_would_be_noticed(self) -> None:
        with pytest.raises(OnCalendarError):
            OnCalendar("*-*-* 00/4:65:00", START)

    def test_the_service_is_a_one_shot_of_a_legal_command(self) -> None:
        service = unit("screener.service")["Service"]
        assert service["Type"] == "oneshot"
        flags = parsed_flags(service["ExecStart"])
        assert flags["log"] == "json"
        assert str(flags["output"]).startswith("/var/lib/" + service["StateDirectory"])
        assert service["ExecStart"].startswith(service["WorkingDirectory"] + "/")

    def test_timer_and_service_have_one_name(self) -> None:
        names = sorted(path.name for path in DEPLOY.iterdir())
        assert names == ["screener.crontab", "screener.service", "screener.timer"]

    @pytest.mark.parametrize("name", ["screener.service", "screener.timer"])
    def test_units_have_known_sections_only(self, name: str) -> None:
        own = "Service" if name.endswith(".service") else "Timer"
        assert unit(name).sections() == ["Unit", own, "Install"]
