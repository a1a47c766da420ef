"""Flags, settings and their merging."""

import json
import re
from argparse import ArgumentParser, BooleanOptionalAction
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from grid_screening.cli import arguments, effective_settings, readers
from grid_screening.conf import ScreenerSettings, setting_names
from grid_screening.exceptions import InvalidSettings
from grid_screening.management.commands.screen_short_grid import Command
from monitor.conf import GATEWAY_KEYS
from monitor.domain.market import KlineInterval
from monitor.market_data.conf import ARCHIVE_KEYS, KLINE_STORE_KEYS

CLI_PAGE = (
    Path(__file__).resolve().parents[2]
    / "specs"
    / "001-short-grid-screening"
    / "contracts"
    / "cli.md"
)

BRACKETS = [
    {
        "symbol": "ETHUSDT",
        "brackets": [
            {
                "bracket": 1,
                "initialLeverage": 75,
                "notionalCap": 10000,
                "notionalFloor": 0,
                "maintMarginRatio": 0.0065,
                "cum": 0.0,
            }
        ],
    }
]


def parser() -> ArgumentParser:
    return Command().create_parser("manage.py", "screen_short_grid")


def settings_of(*flags: str, configured: dict[str, Any] | None = None) -> Any:
    options = vars(parser().parse_args(list(flags)))
    return effective_settings.effective_settings(configured or {}, options)


def test_there_is_one_flag_per_setting() -> None:
    assert [f.setting for f in arguments.FLAGS] == [*setting_names()]


def test_flags_are_the_keys_of_the_report() -> None:
    keys = {flag.name[2:].replace("-", "_") for flag in arguments.FLAGS}
    assert keys == set(ScreenerSettings().by_flag())


def test_the_page_lists_exactly_the_flags_of_the_parser() -> None:
    page = CLI_PAGE.read_text(encoding="utf-8")
    first_cells = [
        line.split("|")[1] for line in page.splitlines() if line[:3] == "| `"
    ]
    documented = set(re.findall(r"--[a-z0-9-]+", " ".join(first_cells)))
    # django's own, named in a sentence
    documented |= {"--settings", "--pythonpath", "--verbosity", "--version", "--help"}
    options = {o for a in parser()._actions for o in a.option_strings}
    assert documented == {o for o in options if o.startswith("--")}


@pytest.mark.parametrize("flag", arguments.FLAGS, ids=lambda flag: flag.name)
def test_the_page_states_default_and_legal_values(flag: arguments.Flag) -> None:
    page = CLI_PAGE.read_text(encoding="utf-8")
    (row,) = [s for s in page.splitlines() if re.match(rf"\| `{flag.name}[ `]", s)]
    _, _, default, legal, meaning, _ = re.split(r"(?<!\\)\|", row)
    if flag.read is readers.switch:
        on = getattr(ScreenerSettings(), flag.setting)
        assert default.strip() == ("on" if on else "off")
        return
    expected = arguments._shown(getattr(ScreenerSettings(), flag.setting))
    assert default.strip() == expected
    assert legal.strip() == flag.legal
    assert meaning.strip() == flag.help


def test_without_flags_the_settings_are_the_defaults() -> None:
    assert settings_of() == ScreenerSettings()


def test_every_flag_sets_its_field(tmp_path: Path) -> None:
    names = tmp_path / "symbols.txt"
    names.write_text("btcusdt, ETHUSDT # majors\n\n币安人生USDT\n", encoding="utf-8")
    brackets = tmp_path / "brackets.json"
    brackets.write_text(json.dumps(BRACKETS), encoding="utf-8")
    made = settings_of(
        *("--top-n", "7", "--profile", "classic", "--weights", "0.1,0.2,0.3,0.4"),
        *("--strict", "--quote", "usdc", "--include-tradifi"),
        *("--symbols", f"@{names}", "--exclude", "XRPUSDT,xrpusdt"),
        *("--interval", "1h", "--bars", "200", "--min-quote-volume", "1e6"),
        *("--min-days", "10", "--min-natr", "0.5", "--max-natr", "20"),
        *("--max-tick-share", "0.2", "--max-quote-age-s", "30"),
        *("--min-delivery-days", "7", "--margin", "500", "--max-leverage", "5"),
        *("--maker-fee", "0.0001", "--taker-fee", "0.0004"),
        *("--brackets", str(brackets), "--min-coverage", "0.8"),
        *(
            "--bounds",
            "quantile",
            "--spacing",
            "geometric",
            "--start",
            "flat",
            "--deep",
        ),
        *("--workers", "8", "--calculator-workers", "2", "--max-wait", "10"),
        *("--scan-deadline", "45", "--no-cache", "--rank-draws", "9", "--hold", "5"),
    )
    assert made.brackets is not None
    assert list(made.brackets) == ["ETHUSDT"]
    assert made.merged({"brackets": None}) == ScreenerSettings(
        top=7,
        weights=(0.1, 0.2, 0.3, 0.4),
        strict=True,
        quote="USDC",
        include_tradifi=True,
        symbols=("BTCUSDT", "ETHUSDT", "币安人生USDT"),
        exclude=("XRPUSDT",),
        interval=KlineInterval.H1,
        bars=200,
        min_volume=1e6,
        min_days=10.0,
        min_natr=0.5,
        max_natr=20.0,
        max_tick_share=0.2,
        max_quote_age_s=30.0,
        min_delivery_days=7.0,
        grid_margin_usdt=500.0,
        max_leverage=5,
        maker_fee=0.0001,
        taker_fee=0.0004,
        bounds="quantile",
        spacing="geometric",
        start="flat",
        deep=True,
        min_coverage=0.8,
        io_workers=8,
        calculator_workers=2,
        max_wait_s=10.0,
        scan_deadline_s=45.0,
        cache=False,
        rank_draws=9,
        hold=5,
    )


def test_flags_override_the_django_setting_which_overrides_the_default() -> None:
    configured = {"top": 5, "bars": 100, "base_url": "http://localhost:1"}
    made = settings_of("--bars", "50", configured=configured)
    assert (made.top, made.bars, made.min_days) == (5, 50, 30.0)


def test_a_switch_of_the_django_setting_can_be_turned_off() -> None:
    assert settings_of("--no-strict", configured={"strict": True}).strict is False


def test_django_settings_may_be_spelled_like_flags() -> None:
    configured = {
        "interval": "1h",
        "weights": [0.25, 0.25, 0.25, 0.25],
        "symbols": "btcusdt,ethusdt",
        "exclude": [],
        "max_natr": 12,
    }
    made = settings_of(configured=configured)
    assert made.interval is KlineInterval.H1
    assert made.weights == (0.25,) * 4
    assert made.symbols == ("BTCUSDT", "ETHUSDT")
    assert made.exclude == ()
    assert made.max_natr == 12.0


@pytest.mark.parametrize(
    ("configured", "message"),
    [
        (
            {"tops": 5},
            "settings.SCREENER has no key 'tops', only archive_listing_url, ",
        ),
        ({"top": -1}, "settings.SCREENER['top'] must be a whole number in 0…100000"),
        ({"top": "x"}, "settings.SCREENER['top'] must be a whole number, was 'x'"),
        ({"top": True}, "settings.SCREENER['top'] must be a whole number, was True"),
        ({"top": 2.5}, "settings.SCREENER['top'] must be a whole number, was 2.5"),
        ({"strict": "yes"}, "settings.SCREENER['strict'] must be True or False"),
        ({"min_natr": None}, "settings.SCREENER['min_natr'] must be "),
        ({"weights": 1}, "settings.SCREENER['weights'] must be four finite numbers"),
        ({"symbols": [1]}, "settings.SCREENER['symbols'] must be symbols like"),
        ({"profile": "x"}, "settings.SCREENER['profile'] must be one of classic"),
        ({"quote": ""}, "settings.SCREENER['quote'] must be a name, was ''"),
        ({"brackets": 5}, "settings.SCREENER['brackets'] must be a file with"),
    ],
)
def test_a_wrong_django_setting_is_named(
    configured: dict[str, Any], message: str
) -> None:
    with pytest.raises(effective_settings.UsageError) as caught:
        settings_of(configured=configured)
    assert str(caught.value).startswith(message)


def test_the_page_lists_every_key_with_its_flag() -> None:
    page = CLI_PAGE.read_text(encoding="utf-8")
    _, _, section = page.partition("## Keys of `settings.SCREENER`")
    rows = re.findall(r"^\| `(\w+)` \| (`--[a-z0-9-]+`|none)", section, re.MULTILINE)
    assert rows == [
        *((flag.setting, f"`{flag.name}`") for flag in arguments.FLAGS),
        *((key, "none") for key in (*GATEWAY_KEYS, *KLINE_STORE_KEYS, *ARCHIVE_KEYS)),
    ]


@pytest.mark.parametrize(
    "flag",
    [f for f in arguments.FLAGS if f.read in (readers.number, readers.whole)],
    ids=lambda flag: flag.name,
)
def test_what_a_flag_calls_legal_is_what_the_settings_demand(
    flag: arguments.Flag,
) -> None:
    with pytest.raises(InvalidSettings) as caught:
        ScreenerSettings(**{flag.setting: 10**20})
    _, _, bounds = caught.value.legal.rpartition("≥ 0")
    assert bounds.removeprefix("a fraction ").partition(" (")[0] in flag.legal


def test_flags_are_named_in_what_must_hold_between_them() -> None:
    with pytest.raises(effective_settings.UsageError) as caught:
        settings_of("--min-natr", "5", "--max-natr", "2")
    assert str(caught.value) == "--max-natr must be ≥ --min-natr (5), was 2.0"


@pytest.mark.parametrize(
    ("output", "asked", "form"),
    [
        ("-", None, "table"),
        ("report.txt", None, "table"),
        ("report.json", None, "json"),
        ("a.csv/Report.JSON", None, "json"),
        ("report.csv", None, "csv"),
        ("report.md", None, "markdown"),
        ("report.markdown", None, "markdown"),
        ("report.json", "csv", "csv"),
        ("report.html", None, "html"),
        ("Report.HTM", None, "html"),
        ("reports/", None, "html"),
        ("reports/", "json", "json"),
    ],
)
def test_the_form_follows_the_name_of_the_output(
    output: str, asked: str | None, form: str
) -> None:
    assert arguments.report_format({"output": output, "format": asked}) == form


ILLEGAL = [
    ("--scan-deadline", "29"),
    ("--scan-deadline", "3601"),
    ("--rank-draws", "8"),
    ("--rank-draws", "1001"),
    ("--hold", "-1"),
    ("--keep", "-1"),
    ("--keep", "x"),
    ("--log", "xml"),
    ("--explain", ""),
    ("--snapshot", ""),
    ("--record", " "),
    ("--diff", ""),
    ("--top", "-1"),
    ("--top", "x"),
    ("--top", "1.5"),
    ("--top", "1" + "0" * 20),
    ("--top", "9" * 5000),
    ("--top-n", "nan"),
    ("--profile", "nope"),
    ("--weights", "1,2"),
    ("--weights", "0.5,0.5,0.5,0.5"),
    ("--weights", "nan,0.5,0.3,0.2"),
    ("--weights", "2,-1,0,0"),
    ("--weights", "a,b,c,d"),
    ("--quote", ""),
    ("--symbols", ""),
    ("--symbols", "@/nonexistent/file"),
    ("--exclude", "@/nonexistent/file"),
    ("--exclude", ","),
    ("--interval", "5h"),
    ("--interval", "1M"),
    ("--bars", "14"),
    ("--bars", "1500"),
    ("--min-volume", "-1"),
    ("--min-volume", "nan"),
    ("--min-volume", "1e999"),
    ("--min-volume", "1e99"),
    ("--min-quote-volume", "inf"),
    ("--min-days", "-1"),
    ("--min-natr", "-0.1"),
    ("--min-natr", "11"),
    ("--max-natr", "0.5"),
    ("--max-natr", "inf"),
    ("--max-tick-share", "1.1"),
    ("--max-quote-age-s", "0"),
    ("--min-delivery-days", "-3"),
    ("--margin", "0"),
    ("--margin", "1k"),
    ("--max-leverage", "0"),
    ("--maker-fee", "0.02"),
    ("--taker-fee", "-0.001"),
    ("--brackets", "/nonexistent/file"),
    ("--bounds", "atr2"),
    ("--spacing", "log"),
    ("--start", "long"),
    ("--min-coverage", "1.5"),
    ("--min-coverage", "nan"),
    ("--workers", "0"),
    ("--calculator-workers", "0"),
    ("--max-wait", "0"),
    ("--format", "xml"),
    ("--output", ""),
    ("--tops", "5"),
    ("--min-vol", "5"),
    ("--top",),
    ("surplus",),
]


@pytest.mark.parametrize("flags", ILLEGAL, ids=" ".join)
def test_every_illegal_value_is_one_clear_line_and_exit_2(
    flags: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["manage.py", "screen_short_grid", *flags]
    with pytest.raises(SystemExit) as left:
        Command().run_from_argv(argv)
    out, err = capsys.readouterr()
    assert left.value.code == 2
    assert out == ""
    assert err.startswith("screen_short_grid: ")
    assert err.count("\n") == 1
    assert flags[0] in err
    assert len(err) < 300
    if len(flags) == 2 and flags[0] not in ("--tops", "--min-vol"):
        assert re.search(r"must be|invalid choice|must name", err)


def test_every_flag_has_an_illegal_case() -> None:
    tried = {flags[0] for flags in ILLEGAL}
    valued = {
        option
        for action in parser()._actions
        for option in action.option_strings
        if option.startswith("--")
        and action.nargs != 0
        and not isinstance(action, BooleanOptionalAction)
    }
    djangos = {"--settings", "--pythonpath", "--verbosity"}
    assert valued - djangos <= tried


def test_a_number_too_large_for_a_float_is_refused() -> None:
    for value in (10**400, 10**5000):
        with pytest.raises(ValueError, match="must be a finite number, was"):
            readers.number(value)


@pytest.mark.parametrize(
    "options",
    [{"top": -1}, {"weights": "1,2"}, {"format": "xml"}, {"interval": "5h"}],
)
def test_mistakes_of_call_command_have_return_code_2(options: dict[str, Any]) -> None:
    with pytest.raises(CommandError) as caught:
        call_command("screen_short_grid", **options)
    assert caught.value.returncode == 2


def test_mistakes_in_the_arguments_of_call_command_have_return_code_2() -> None:
    with pytest.raises(CommandError) as caught:
        call_command("screen_short_grid", "--top", "x")
    assert caught.value.returncode == 2


def test_brackets_that_are_no_brackets_are_refused(tmp_path: Path) -> None:
    for number, text in enumerate(("{", '{"a": 1}', "[1]")):
        path = tmp_path / f"{number}.json"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(CommandError) as caught:
            call_command("screen_short_grid", brackets=str(path))
        assert caught.value.returncode == 2
        assert "must be a file with the JSON of" in str(caught.value)


def test_a_symbol_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "symbols.txt"
    path.write_bytes("币安人生USDT".encode("gbk"))
    with pytest.raises(ValueError, match="must be a UTF-8 text"):
        readers.symbols(f"@{path}")
