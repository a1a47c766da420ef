"""What people are told when the exchange cannot be reached."""

import pytest

from monitor.cli.exit_codes import ExitCode, exit_code, message
from monitor.exceptions import ExchangeTimeout, ExchangeUnavailable
from monitor.market_data.history_errors import ArchiveUnavailable

REFUSED = "fapi.example: Connection refused"


@pytest.mark.parametrize(
    ("path", "variable"),
    [("/fapi/v1/time", "BINANCE_FAPI_URL"), ("/api/v3/time", "BINANCE_SPOT_URL")],
)
def test_the_variable_of_the_server_that_is_lost_is_named(
    path: str, variable: str
) -> None:
    lost = ExchangeUnavailable(path, REFUSED)
    assert exit_code(lost) is ExitCode.UNAVAILABLE
    assert message(lost) == (
        f"exchange unavailable: {path}: {REFUSED} ({variable} names another server, "
        "--demo needs none)"
    )


def test_commands_without_a_demo_name_their_own_way_out() -> None:
    late = ExchangeTimeout("/fapi/v1/klines", 15.0)
    text = message(late, instead="--archive-only needs none")
    assert text.endswith("names another server, --archive-only needs none)")


def test_a_lost_archive_names_a_mirror_and_the_import() -> None:
    text = message(ArchiveUnavailable("listing: Connection refused"))
    assert text.startswith("archive unavailable: listing: Connection refused (")
    assert "BINANCE_ARCHIVE_URL names a mirror" in text
    assert "--import" in text
