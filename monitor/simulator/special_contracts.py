"""Contracts beside the ordinary perpetuals: what a universe must sort out. Pure."""

from dataclasses import dataclass, replace

from monitor.domain.market import DAY_MS
from monitor.simulator.contracts import STARTS_AT_MS, Contract
from monitor.simulator.truth import Kind

_MARCH_2026 = 1_774_598_400_000
"""2026-03-27 08:00 UTC."""
_JUNE_2026 = 1_782_460_800_000
"""2026-06-26 08:00 UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """How one special contract differs from an ordinary perpetual."""

    base: str
    quote: str = "USDT"
    kind: Kind
    underlying: str = "COIN"
    expiry: str = ""
    """Six digits for quarterlies."""
    ends_at: int | None = None


SPECIALS: tuple[Listing, ...] = (
    *(
        Listing(base=base, kind=Kind.TRADIFI, underlying=underlying)
        for base, underlying in (
            ("XAU", "COMMODITY"),
            ("XAG", "COMMODITY"),
            ("TSLA", "EQUITY"),
            ("NVDA", "EQUITY"),
            ("COIN", "EQUITY"),
            ("MSTR", "EQUITY"),
        )
    ),
    *(
        Listing(base=base, quote="USDC", kind=Kind.USDC_QUOTED)
        for base in ("BTC", "ETH", "SOL", "XRP", "DOGE", "1000PEPE")
    ),
    Listing(base="ETH", quote="BTC", kind=Kind.BTC_QUOTED),
    Listing(base="BTC", kind=Kind.QUARTERLY, expiry="260327", ends_at=_MARCH_2026),
    Listing(base="ETH", kind=Kind.QUARTERLY, expiry="260327", ends_at=_MARCH_2026),
    Listing(base="BTC", kind=Kind.QUARTERLY, expiry="260626", ends_at=_JUNE_2026),
    *(Listing(base=base, kind=Kind.PENDING) for base in ("NEWA", "NEWB", "NEWC")),
    *(
        Listing(base=base, kind=Kind.SETTLING, ends_at=STARTS_AT_MS - days * DAY_MS)
        for base, days in (("OMGOLD", 340), ("BLZ", 90), ("AMB", 40), ("LOKA", 1))
    ),
    Listing(base="HALTED", kind=Kind.HALTED),
)

_STATUS = {
    Kind.PENDING: "PENDING_TRADING",
    Kind.SETTLING: "SETTLING",
    Kind.HALTED: "TRADING_HALT",
}
_WITHOUT_BARS = (Kind.PENDING, Kind.SETTLING, Kind.HALTED)
_TRADIFI_VOLATILITY = 0.0035


def special_contract(ordinary: Contract, listing: Listing) -> Contract:
    """Turn an ordinary contract into the listed special one."""
    kind = listing.kind
    symbol = ordinary.symbol + (f"_{listing.expiry}" if listing.expiry else "")
    truth = replace(
        ordinary.truth,
        symbol=symbol,
        ends_at=listing.ends_at,
        states_funding_interval=kind is not Kind.QUARTERLY
        and kind not in _WITHOUT_BARS,
        funding_interval_h=4 if kind is Kind.TRADIFI else 8,
        funding_rate_8h=0.0 if kind is Kind.QUARTERLY else 0.0001,
    )
    if kind is Kind.TRADIFI:
        truth = replace(truth, volatility_per_hour=_TRADIFI_VOLATILITY, beta_btc=0.2)
    scale, anchor = ordinary.scale, ordinary.anchor_price
    if kind is Kind.BTC_QUOTED:
        anchor = 0.0347
        scale = replace(
            scale, price_decimals=6, quote_decimals=9, shown_price_decimals=6
        )
        truth = replace(truth, volatility_per_hour=0.003, beta_btc=0.1)
        truth = replace(truth, turnover_24h=80.0)
    types = {Kind.TRADIFI: "TRADIFI_PERPETUAL", Kind.QUARTERLY: "CURRENT_QUARTER"}
    contract_type = types.get(kind, "PERPETUAL")
    if listing.ends_at == _JUNE_2026:
        contract_type = "NEXT_QUARTER"
    return replace(
        ordinary,
        symbol=symbol,
        contract_type=contract_type,
        status=_STATUS.get(kind, ordinary.status),
        underlying_type=listing.underlying,
        underlying_sub_types=("TradFi",) if kind is Kind.TRADIFI else (),
        anchor_price=anchor,
        scale=scale,
        min_notional="0.001" if kind is Kind.BTC_QUOTED else ordinary.min_notional,
        average_trade=0.01 if kind is Kind.BTC_QUOTED else ordinary.average_trade,
        has_bars=kind not in _WITHOUT_BARS,
        truth=truth,
    )
