"""No test touches the data folder of whoever runs it; seeds can be given."""

from pathlib import Path

import pytest

DEFAULT_SEED = 20_260_105


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--fault-seed``."""
    parser.addoption(
        "--fault-seed",
        type=int,
        default=DEFAULT_SEED,
        help="replays the random choices of the fault tests",
    )


@pytest.fixture
def fault_seed(request: pytest.FixtureRequest) -> int:
    """Return the seed, and print it: pytest shows it when the test fails."""
    seed: int = request.config.getoption("fault_seed")
    print(f"replay with --fault-seed={seed}")  # noqa: T201
    return seed


@pytest.fixture(autouse=True)
def _own_data_folder(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    # also for commands in processes of their own: they inherit the environment
    folder = tmp_path_factory.mktemp("xdg")
    monkeypatch.setenv("XDG_DATA_HOME", str(folder))
    return folder
