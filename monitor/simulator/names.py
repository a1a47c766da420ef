"""Names and price levels of the generated contracts. Pure."""

from itertools import product

ANCHORS: dict[str, tuple[float, int, int]] = {
    "BTC": (98_000.0, 1, 3),
    "ETH": (3_400.0, 2, 3),
    "SOL": (190.0, 2, 2),
    "XRP": (2.4, 4, 1),
    "BNB": (720.0, 2, 2),
    "DOGE": (0.33, 5, 0),
    "ADA": (0.95, 4, 0),
    "1000PEPE": (0.0185, 7, 0),
    "1000SHIB": (0.0221, 6, 0),
    "币安人生": (0.4762, 4, 0),
    "XAU": (4_100.0, 2, 3),
    "XAG": (62.0, 2, 2),
    "TSLA": (420.0, 2, 2),
    "NVDA": (185.0, 2, 2),
    "COIN": (270.0, 2, 2),
    "MSTR": (330.0, 2, 2),
}
"""Base asset → (price, decimals of the tick, decimals of the step)."""

CHINESE = ("币安人生", "我踏马来了", "龙虾", "牛来", "哈基米")

# the first twelve meet the fixed kinds of `contracts.FIRST_KINDS`
_LEADING = (
    *("BTC", "ETH", "SOL", "XRP", "DOGE", "BNB", "ADA", "GALA", "LISTA", "OMNI"),
    *("币安人生", "1000PEPE"),
)
_KNOWN = (
    "LINK AVAX SUI TRX TON DOT LTC BCH NEAR APT ARB OP INJ FIL ATOM ETC UNI AAVE WLD "
    "TIA SEI ENA ONDO TAO RENDER FET HBAR XLM ICP VET ALGO 1000SHIB 1000BONK "
    "1000FLOKI 1000000MOG 1MBABYDOGE JUP PYTH JTO WIF ORDI STX RUNE LDO CRV MKR SNX "
    "COMP GRT SAND MANA AXS FLOW CHZ ENS DYDX GMX IMX MINA KAVA ZIL ROSE ONE CELO QTUM "
    "ZEC DASH XMR EOS IOTA NEO XTZ KSM EGLD THETA FTM 1INCH SUSHI YFI BAL ZRX BAT ENJ "
    "ANKR SKL CTSI STORJ OCEAN BAND RLC NMR TRB API3 UMA REN LRC MASK CKB HOT DENT WIN "
    "JASMY PEOPLE GTC ALICE TLM SLP C98 MAGIC HOOK ID EDU CYBER ARKM MAV PENDLE BLUR "
    "BIGTIME MEME TOKEN NTRN KAS BEAMX AI XAI MANTA ALT ZETA DYM PIXEL STRK PORTAL AXL "
    "ETHFI BOME W SAGA TNSR OMG REZ BB NOT IO ZK LISTB ZRO BANANA RARE POPCAT NEIRO "
    "TURBO DOGS MEW CATI HMSTR EIGEN GOAT MOODENG GRASS PNUT ACT CHILLGUY HIPPO THE ME "
    "MOVE VIRTUAL PENGU VANA BIO COOKIE ALCH SWARMS SONIC TRUMP MELANIA ANIME BERA "
    "TST LAYER IP KAITO SHELL RED MUBARAK BROCCOLI PARTI NIL PAXG BABY WCT HYPER INIT "
    "SIGN SYRUP SXT ASTER"
)
_ONSETS = "B C D F G K L M N P R S T V Z BR KR ST TR"
_RHYMES = "AX EL IN OR UM AR ENT ICO ORA"


def bases(count: int) -> tuple[str, ...]:
    """Return the base assets of the first ``count`` perpetuals, known ones first.

    Raises
    ------
    ValueError
        ``count`` is not in 1…`MAX_BASES`.
    """
    if not 1 <= count <= MAX_BASES:
        raise ValueError(f"contracts must be in 1…{MAX_BASES}, was {count}")
    return _BASES[:count]


def _names() -> tuple[str, ...]:
    onsets, rhymes = _ONSETS.split(), _RHYMES.split()
    coined = (f"{a}{b}{c}" for a, b, c in product(onsets, rhymes, ("A", "O", "Y")))
    longer = (
        f"{a}{b}{c}{d}"
        for a, b, c, d in product(onsets, rhymes, onsets[:9], ("IA", "EX"))
    )
    known = [*_LEADING, *_KNOWN.split()]
    for place, name in enumerate(CHINESE[1:]):
        known.insert(40 + 20 * place, name)
    return tuple(dict.fromkeys([*known, *coined, *longer]))


_BASES = _names()
MAX_BASES = len(_BASES)
