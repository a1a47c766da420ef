import pytest

from monitor.conf import LIVE_FAPI_URL, GatewayConfig

CANARY = "canary"


def message(**values: str) -> str:
    with pytest.raises(ValueError, match="must be like") as caught:
        GatewayConfig(**values)  # type: ignore[arg-type]
    return str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        LIVE_FAPI_URL,
        "https://fapi.binance.com/",
        "http://127.0.0.1:8080",
        "http://[::1]:8080",
        "http://localhost:1",
        "https://börse.example:65535",
    ],
)
def test_addresses_of_servers(url: str) -> None:
    assert GatewayConfig(base_url=url).base_url == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "fapi.binance.com",
        "ftp://fapi.binance.com",
        "HTTPS://fapi.binance.com",
        "https://",
        "https:///fapi",
        "https://:443",
        "https://fapi.binance.com:",
        "https://fapi.binance.com:0",
        "https://fapi.binance.com:65536",
        "https://fapi.binance.com:https",
        "https://fapi.binance.com/fapi/v1",
        "https://fapi.binance.com?",
        "https://fapi.binance.com#",
        "https://fapi binance.com",
        "https://fapi.binance.com\n",
        "https://-.com",
        "https://a..b",
        "https://[::1",
        "https://[nonsense:]",
        "https:\\\\fapi.binance.com",
        f"https://user:{CANARY}@fapi.binance.com",
        f"https://{CANARY}@fapi.binance.com",
        f"https://user:{CANARY}",
        f"user:{CANARY}@fapi.binance.com",
        f"https://fapi.binance.com/?signature={CANARY}",
        f"https://user:a@{CANARY}/?#@fapi.binance.com",
        f"https://user:{CANARY}?a",
        f"user:{CANARY}://fapi.binance.com",
    ],
)
def test_other_addresses_are_refused_without_showing_secrets(url: str) -> None:
    told = message(base_url=url)
    assert told.startswith(
        f"base_url (BINANCE_FAPI_URL) must be like {LIVE_FAPI_URL}, was "
    )
    assert CANARY not in told


def test_the_wrong_address_is_shown() -> None:
    assert message(base_url="https://fapi.binance.com:0/x").endswith(
        "was 'https://fapi.binance.com:0/x'"
    )


@pytest.mark.parametrize("scheme", ["http", "https", "socks4", "socks5", "socks5h"])
def test_proxies_may_hold_a_password_that_is_not_shown(scheme: str) -> None:
    config = GatewayConfig(proxy=f"{scheme}://user:{CANARY}@proxy.example:1080")
    assert CANARY not in repr(config)


@pytest.mark.parametrize(
    "proxy",
    [
        "",
        "proxy.example:8080",
        "http://proxy.example",
        "socks6://proxy.example:1080",
        f"ftp://user:{CANARY}@proxy.example:21",
        f"http://user:{CANARY}@proxy.example",
        f"http://user:{CANARY}@:8080",
        f"http://user:{CANARY}@proxy.example:80/path",
        f"user:{CANARY}@proxy.example:80",
    ],
)
def test_other_proxies_are_refused_without_showing_secrets(proxy: str) -> None:
    told = message(proxy=proxy)
    assert told.startswith("proxy must be like http://127.0.0.1:8080 or socks5h://")
    assert CANARY not in told


@pytest.mark.parametrize(
    "url",
    [
        "memory://",
        "sqlite:///var/lib/screener/ledger.sqlite3",
        "sqlite:////var/lib/screener/ledger.sqlite3",
        "redis://127.0.0.1",
        "redis://127.0.0.1:6379/0",
        "redis://redis.example:6379/",
        "rediss://user:p%40ss@[::1]:6380/15",
    ],
)
def test_homes_of_the_ledger(url: str) -> None:
    assert GatewayConfig(ledger_url=url).ledger_url == url


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_ledgers_may_hold_a_password_that_is_not_shown(scheme: str) -> None:
    config = GatewayConfig(ledger_url=f"{scheme}://user:{CANARY}@redis.example:1/0")
    assert CANARY not in repr(config)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "memory",
        "memory://x",
        "sqlite://",
        "sqlite:///",
        "sqlite://relative.sqlite3",
        "sqlite:///folder/",
        "sqlite:///a\nb",
        "/var/lib/ledger.sqlite3",
        "redis://",
        "redis://:6379",
        "redis://redis.example:0",
        "redis://redis.example:",
        "redis://redis.example:65536",
        "redis://redis.example/0/1",
        f"redis://:{CANARY}@redis.example/x",
        f"redis://:{CANARY}@redis example/0",
        f"redis://:{CANARY}@redis.example/0?password={CANARY}",
        f"postgres://user:{CANARY}@db.example/x",
        f"REDIS://:{CANARY}@redis.example",
        f"redis://[::1:{CANARY}",
        f"redis://[::1]:{CANARY}",
        f"redis://user:pw@[::1]:{CANARY}",
        f"user:{CANARY}@redis.example",
    ],
)
def test_other_ledgers_are_refused_without_showing_secrets(url: str) -> None:
    told = message(ledger_url=url)
    assert told.startswith(
        "rate_ledger_url (RATE_LEDGER_URL) must be like sqlite:///var/"
    )
    assert CANARY not in told
