"""The streets are one-way, pure code is pure, rooms stay small."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STREET = ("monitor", "vp_squeeze", "grid_screening")
"""Each app may import the ones before it."""

EFFECTS = (
    "config/",
    "monitor/api_clients/transport.py",
    "monitor/api_clients/binance.py",
    "monitor/api_clients/client.py",
    "monitor/api_clients/clock.py",
    "monitor/api_clients/connection_failures.py",
    "monitor/api_clients/session.py",
    "monitor/api_clients/sockets.py",
    "monitor/api_clients/spot.py",
    "monitor/cli/",
    "monitor/data_folder.py",
    "monitor/market_data/archive.py",
    "monitor/market_data/history.py",
    "monitor/market_data/history_download.py",
    "monitor/market_data/history_import.py",
    "monitor/market_data/history_lock.py",
    "monitor/market_data/history_manifest.py",
    "monitor/market_data/history_parts.py",
    "monitor/market_data/history_rest.py",
    "monitor/market_data/history_store.py",
    "monitor/market_data/kline_file.py",
    "monitor/market_data/kline_store.py",
    "monitor/ratelimit/daily.py",
    "monitor/ratelimit/limiter.py",
    "monitor/ratelimit/redis_store.py",
    "monitor/ratelimit/safe_limiter.py",
    "monitor/ratelimit/shared.py",
    "monitor/ratelimit/sqlite_store.py",
    "monitor/ratelimit/stores.py",
    "monitor/simulator/__main__.py",
    "monitor/simulator/cli.py",
    "monitor/simulator/clock.py",
    "monitor/simulator/recorded.py",
    "monitor/simulator/rest.py",
    "monitor/simulator/server.py",
    "vp_squeeze/services/",
    "grid_screening/backtest/partitions.py",
    "grid_screening/backtest/sweep.py",
    "grid_screening/services/",
    "grid_screening/cli/",
)
"""Layers 3 and 4; everything else is pure."""

IMPURE = {
    "django",
    "requests",
    "urllib3",
    "socket",
    "http",
    "time",
    "logging",
    "threading",
    "asyncio",
    "subprocess",
    "starlette",
    "uvicorn",
    "ratelimit",
    "tenacity",
    "pyarrow",
}

MAX_MODULE_LINES = 350
MAX_FUNCTION_LINES = 60
"""Without the docstring."""


def modules() -> list[Path]:
    return sorted(
        path
        for app in (*STREET, "config")
        for path in (ROOT / app).rglob("*.py")
        if "migrations" not in path.parts
    )


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def is_command(path: Path) -> bool:
    return "management" in path.parts


def imports(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            yield node.lineno, node.module


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the function's lines without its docstring."""
    docstring = ast.get_docstring(node, clean=False) or ""
    return (node.end_lineno or node.lineno) - node.lineno - docstring.count("\n")


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_apps_import_one_way(path: Path) -> None:
    app = path.relative_to(ROOT).parts[0]
    # commands are composition roots, but the exchange's own need no screener
    if (is_command(path) and app != "monitor") or app == "config":
        return
    later = STREET[STREET.index(app) + 1 :]
    wrong = [
        f"line {line}: {module}"
        for line, module in imports(path)
        if module.split(".")[0] in (*later, "config", "tests")
    ]
    assert wrong == []


def test_the_study_uses_the_simulator_and_not_the_other_way_round() -> None:
    simulator = [
        p for p in modules() if name_of(p).startswith("grid_screening/backtest/")
    ]
    assert simulator
    assert [
        f"{name_of(path)}: {module}"
        for path in simulator
        for _, module in imports(path)
        if module.startswith("grid_screening.validation")
    ] == []


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_pure_modules_import_no_effects(path: Path) -> None:
    if is_command(path) or name_of(path).startswith(EFFECTS) or path.name == "apps.py":
        return
    allowed = {"threading"} if name_of(path) == "grid_screening/factors.py" else set()
    wrong = [
        f"line {line}: {module}"
        for line, module in imports(path)
        if module.split(".")[0] in IMPURE - allowed
    ]
    assert wrong == []


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_nothing_imports_a_command(path: Path) -> None:
    own = [m for _, m in imports(path) if not m.startswith("django.")]
    wrong = [m for m in own if ".management" in m]
    assert is_command(path) or wrong == []


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_rooms_are_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MAX_MODULE_LINES
    assert [
        f"{node.name}: {lines}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := code_lines(node)) > MAX_FUNCTION_LINES
    ] == []


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_only_the_environment_module_reads_the_environment(path: Path) -> None:
    if name_of(path) == "config/env.py":
        return
    text = path.read_text(encoding="utf-8")
    assert "os.environ" not in text
    assert "os.getenv" not in text


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = "numpy pandas scipy requests rich pyarrow starlette uvicorn"
    program = (
        "import sys, grid_screening\n"
        f"print([m for m in {heavy.split()!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
