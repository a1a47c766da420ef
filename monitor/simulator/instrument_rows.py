"""``exchangeInfo`` and ``leverageBracket`` of the generated market. Pure."""

from collections.abc import Mapping, Sequence

import orjson

from monitor.simulator.contracts import STARTS_AT_MS, Contract
from monitor.simulator.truth import Kind

INFO_AGE_MS = 20_520_000
"""The live reply's ``serverTime`` lags hours behind: no clock can be set by it."""
WEIGHT_PER_MINUTE = 2400

RATE_LIMITS = (
    {
        "rateLimitType": "REQUEST_WEIGHT",
        "interval": "MINUTE",
        "intervalNum": 1,
        "limit": WEIGHT_PER_MINUTE,
    },
    {
        "rateLimitType": "ORDERS",
        "interval": "MINUTE",
        "intervalNum": 1,
        "limit": 1200,
    },
    {
        "rateLimitType": "ORDERS",
        "interval": "SECOND",
        "intervalNum": 10,
        "limit": 300,
    },
)
_ASSETS = ("USDT", "BTC", "BNB", "ETH", "USDC", "FDUSD")
_ORDER_TYPES = (
    *("LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"),
    "TRAILING_STOP_MARKET",
)
_CAPS = (5_000, 25_000, 100_000, 250_000, 1_000_000, 5_000_000)
_MAJOR_CAPS = (50_000, 600_000, 3_000_000, 12_000_000, 70_000_000, 500_000_000)
_LEVERAGES = (75, 50, 20, 10, 4, 2)
_RATES = (0.005, 0.01, 0.025, 0.05, 0.125, 0.25)


def exchange_info(contracts: Sequence[Contract]) -> bytes:
    """JSON body with every contract, in the live schema."""
    return orjson.dumps(
        {
            "timezone": "UTC",
            "serverTime": STARTS_AT_MS - INFO_AGE_MS,
            "futuresType": "U_MARGINED",
            "rateLimits": RATE_LIMITS,
            "exchangeFilters": [],
            "assets": [
                {"asset": asset, "marginAvailable": True, "autoAssetExchange": "-10000"}
                for asset in _ASSETS
            ],
            "symbols": [_row(contract) for contract in contracts],
        }
    )


def brackets(symbol: str, *, is_major: bool, is_recent: bool) -> Mapping[str, object]:
    """One row of ``leverageBracket``; amounts by continuity.

    Parameters
    ----------
    is_major : bool
        BTC and ETH: higher caps and leverage.
    is_recent : bool
        Listed recently: the schedule begins at its second step.
    """
    caps = _MAJOR_CAPS if is_major else _CAPS
    first = 1 if is_recent and not is_major else 0
    rows = []
    floor, rate_before, amount = 0, 0.0, 0.0
    steps = zip(caps, _LEVERAGES[first:], _RATES[first:], strict=False)
    for number, (cap, leverage, rate) in enumerate(steps, start=1):
        amount += floor * (rate - rate_before) if floor else 0.0
        rows.append(
            {
                "bracket": number,
                "initialLeverage": leverage,
                "notionalCap": cap,
                "notionalFloor": floor,
                "maintMarginRatio": rate,
                "cum": round(amount, 2),
            }
        )
        floor, rate_before = cap, rate
    return {"symbol": symbol, "brackets": rows}


def _row(contract: Contract) -> dict[str, object]:
    scale = contract.scale
    return {
        "symbol": contract.symbol,
        "pair": contract.pair,
        "contractType": contract.contract_type,
        "deliveryDate": contract.delivery_at,
        "onboardDate": contract.truth.listed_at,
        "status": contract.status,
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": contract.base_asset,
        "quoteAsset": contract.quote_asset,
        "marginAsset": contract.quote_asset,
        "pricePrecision": scale.shown_price_decimals,
        "quantityPrecision": scale.volume_decimals,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": contract.underlying_type,
        "underlyingSubType": list(contract.underlying_sub_types),
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "maxMoveOrderLimit": 10000,
        "filters": _filters(contract),
        "orderTypes": _ORDER_TYPES,
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
        "permissionSets": ["GRID", "COPY", "DCA", "PSB"],
    }


def _filters(contract: Contract) -> list[dict[str, object]]:
    scale = contract.scale
    tick = f"{10.0**-scale.price_decimals:.{scale.shown_price_decimals}f}"
    step = f"{10.0**-scale.volume_decimals:.{scale.volume_decimals}f}"
    largest = max(100.0, 20_000_000.0 / contract.anchor_price)
    is_major = contract.base_asset in ("BTC", "ETH")
    up, down = ("1.0500", "0.9500") if is_major else ("1.1000", "0.9000")
    if contract.truth.kind is Kind.TRADIFI:
        up, down = "1.0200", "0.9800"
    rows: list[dict[str, object]] = [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": tick,
            "maxPrice": f"{contract.anchor_price * 50:.{scale.shown_price_decimals}f}",
            "tickSize": tick,
        },
        {
            "filterType": "LOT_SIZE",
            "stepSize": step,
            "minQty": step,
            "maxQty": f"{largest:.0f}",
        },
        {
            "filterType": "MARKET_LOT_SIZE",
            "stepSize": step,
            "minQty": step,
            "maxQty": f"{largest / 5:.0f}",
        },
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
        {"filterType": "MIN_NOTIONAL", "notional": contract.min_notional},
        {
            "filterType": "PERCENT_PRICE",
            "multiplierDown": down,
            "multiplierUp": up,
            "multiplierDecimal": "4",
        },
        {"filterType": "POSITION_RISK_CONTROL", "positionControlSide": "NONE"},
    ]
    turn = contract.index % len(rows)  # their order varies: look them up by type
    return [*rows[turn:], *rows[:turn]]
