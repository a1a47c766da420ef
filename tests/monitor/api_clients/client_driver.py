"""One process with a client; ``python -m`` with JSON of what it shall do.

``url``; ``wall_error_s``: how wrong its wall clock is; ``boot``: what it takes for
the machine's start; ``calls``: how often it asks at most; ``until_error``: whether
the first error ends it. Writes a line when it begins and, as JSON, what it met.
"""

import json
import sys
import time
from pathlib import Path

import time_machine

from monitor.api_clients import clock
from monitor.api_clients.binance import BinanceFuturesClient
from monitor.conf import GatewayConfig
from monitor.exceptions import ExchangeError


def run(task: dict[str, object]) -> dict[str, object]:
    began_s = time.monotonic()
    errors: list[str] = []
    messages: list[str] = []
    config = GatewayConfig(base_url=str(task["url"]), max_wait_s=0.3)
    with BinanceFuturesClient(config) as client:
        for _ in range(int(str(task["calls"]))):
            try:
                client.open_interest("BTCUSDT")
            except ExchangeError as error:
                errors.append(type(error).__name__)
                messages.append(str(error))
                if task["until_error"]:
                    break
                time.sleep(0.02)
    return {
        "errors": errors,
        "messages": messages,
        "took_s": time.monotonic() - began_s,
    }


if __name__ == "__main__":
    wanted = json.loads(sys.argv[1])
    clock.BOOT_ID = Path(wanted["boot"])
    with time_machine.travel(time.time() + wanted["wall_error_s"], tick=True):
        sys.stdout.write("begins\n")
        sys.stdout.flush()
        sys.stdout.write(json.dumps(run(wanted)))
