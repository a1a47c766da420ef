"""Small answers in the exchange's shapes; all values are made up."""

from typing import Any

MINUTE_MS = 60_000
AT_MS = 1_790_000_040_000

TIME: dict[str, Any] = {"serverTime": AT_MS}

TICKERS: list[dict[str, Any]] = [
    {
        "symbol": symbol,
        "lastPrice": price,
        "openPrice": "10.5",
        "highPrice": "11.25",
        "lowPrice": "9.75",
        "volume": "1000.5",
        "quoteVolume": "10250.125",
        "count": 77,
        "openTime": AT_MS - 86_400_000,
        "closeTime": AT_MS - 3,
        "firstId": 1,
        "lastId": 77,
        "priceChangePercent": "-1.5",
    }
    for symbol, price in (("AAAUSDT", "10.25"), ("币安人生USDT", "0.4100"))
]

MARK_PRICES: list[dict[str, Any]] = [
    {
        "symbol": "AAAUSDT",
        "markPrice": "10.26000000",
        "indexPrice": "10.24",
        "estimatedSettlePrice": "10.2",
        "lastFundingRate": "-0.00012000",
        "interestRate": "0.0001",
        "nextFundingTime": AT_MS + 3_600_000,
        "time": AT_MS,
    },
    {
        "symbol": "OLDUSDT",
        "markPrice": "0.00000000",
        "indexPrice": "0",
        "estimatedSettlePrice": "0",
        "lastFundingRate": "",
        "interestRate": "",
        "nextFundingTime": 0,
        "time": AT_MS,
    },
]

FUNDING_INTERVALS: list[dict[str, Any]] = [
    {
        "symbol": "AAAUSDT",
        "adjustedFundingRateCap": "0.02",
        "adjustedFundingRateFloor": "-0.02",
        "fundingIntervalHours": 4,
        "disclaimer": False,
        "updateTime": None,
    }
]

BOOK_TICKERS: list[dict[str, Any]] = [
    {
        "symbol": "AAAUSDT",
        "bidPrice": "10.24",
        "bidQty": "3.5",
        "askPrice": "10.25",
        "askQty": "0.5",
        "time": AT_MS - 20,
        "lastUpdateId": 5,
    }
]

OPEN_INTEREST: dict[str, Any] = {
    "symbol": "AAAUSDT",
    "openInterest": "500.125",
    "time": AT_MS - 8,
}

OPEN_INTEREST_HISTORY: list[dict[str, Any]] = [
    {
        "symbol": "AAAUSDT",
        "sumOpenInterest": value,
        "sumOpenInterestValue": "5000.5",
        "timestamp": at,
    }
    for value, at in (("501.5", str(AT_MS)), ("500.5", AT_MS - 300_000))
]

FUNDING_HISTORY: list[dict[str, Any]] = [
    {
        "symbol": "AAAUSDT",
        "fundingTime": AT_MS - 5,
        "fundingRate": "-0.00001",
        "markPrice": "10.5",
        "rateType": "Regular",
    },
    {
        "symbol": "AAAUSDT",
        "fundingTime": AT_MS - 28_800_000,
        "fundingRate": "0.0002",
        "markPrice": "",
    },
]


def kline_row(open_ms: int, *, length_ms: int = MINUTE_MS) -> list[Any]:
    return [
        open_ms,
        "10.0",
        "12.5",
        "9.5",
        "11.0",
        "100.5",
        open_ms + length_ms - 1,
        "1050.25",
        42,
        "40.25",
        "420.125",
        "0",
    ]


KLINES: list[Any] = [kline_row(AT_MS + i * MINUTE_MS) for i in range(3)]

INSTRUMENT: dict[str, Any] = {
    "symbol": "币安人生USDT",
    "pair": "币安人生USDT",
    "contractType": "PERPETUAL",
    "deliveryDate": 4_133_404_800_000,
    "onboardDate": AT_MS - 90 * 86_400_000,
    "status": "TRADING",
    "baseAsset": "币安人生",
    "quoteAsset": "USDT",
    "marginAsset": "USDT",
    "underlyingType": "COIN",
    "underlyingSubType": ["Chinese"],
    "filters": [
        {"filterType": "PERCENT_PRICE", "multiplierDown": "0.9", "multiplierUp": "1.1"},
        {"filterType": "MAX_NUM_ORDERS", "limit": 150},
        {"filterType": "MIN_NOTIONAL", "notional": "5"},
        {
            "filterType": "MARKET_LOT_SIZE",
            "stepSize": "2",
            "minQty": "2",
            "maxQty": "600",
        },
        {"filterType": "LOT_SIZE", "stepSize": "1", "minQty": "1", "maxQty": "2000"},
        {
            "filterType": "PRICE_FILTER",
            "minPrice": "0.0001000",
            "maxPrice": "200",
            "tickSize": "0.0001000",
        },
    ],
}

RATE_LIMITS: list[dict[str, Any]] = [
    {
        "rateLimitType": "REQUEST_WEIGHT",
        "interval": "MINUTE",
        "intervalNum": 1,
        "limit": 2400,
    },
    {
        "rateLimitType": "ORDERS",
        "interval": "SECOND",
        "intervalNum": 10,
        "limit": 300,
    },
]

EXCHANGE_INFO: dict[str, Any] = {
    "timezone": "UTC",
    "serverTime": AT_MS - 7_200_000,
    "rateLimits": RATE_LIMITS,
    "symbols": [INSTRUMENT],
}

LEVERAGE_BRACKETS: list[dict[str, Any]] = [
    {
        "symbol": "AAAUSDT",
        "brackets": [
            {
                "bracket": 2,
                "initialLeverage": 20,
                "notionalCap": 50000,
                "notionalFloor": 10000,
                "maintMarginRatio": 0.01,
                "cum": 35.0,
            },
            {
                "bracket": 1,
                "initialLeverage": 75,
                "notionalCap": 10000,
                "notionalFloor": 0,
                "maintMarginRatio": 0.0065,
                "cum": 0.0,
            },
        ],
    }
]
