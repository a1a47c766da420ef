"""The volume profile beside a picture's prices, on the same axis."""

from dataclasses import dataclass

from grid_screening.reports.html.axes import Scale
from grid_screening.reports.html.markup import Html, joined, tag
from grid_screening.screening_report import PriceVolumes, VolumeBox

_SWATCH_WIDTH, _SWATCH_HEIGHT = 180, 90
_TEXT_GAP = 60
_CHARACTER = 62
_KEYS = (
    ("volume inside", "turnover, value area (70 %)"),
    ("volume", "outside it"),
    ("mark poc", "point of control"),
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProfileSide:
    """Turnover by price as steps that grow to the right."""

    volumes: PriceVolumes
    box: VolumeBox
    y: Scale
    """Of the prices: ``first`` at the bottom."""
    left: float
    right: float
    """Where the largest step ends."""

    def value_area(self, start: float) -> Html | None:
        """Return the value area as a shade from ``start`` to the right end."""
        low, high = self.box.value_area_low, self.box.value_area_high
        if low is None or high is None:
            return None
        top, bottom = (self._place(float(edge)) for edge in (high, low))
        return tag(
            "rect",
            x=f"{start:.0f}",
            y=f"{top}",
            width=f"{self.right - start:.0f}",
            height=f"{bottom - top}",
            class_="area",
        )

    def steps(self) -> Html:
        """Return the steps, those inside the value area apart."""
        inside = [self._is_inside(place) for place in range(len(self.volumes.share))]
        return joined((
            self._outline([not is_inside for is_inside in inside], "volume"),
            self._outline(inside, "volume inside"),
        ))  # fmt: skip

    def key(self, left: float, baseline: float) -> Html:
        """Return what the colours mean, in one line."""
        parts: list[Html] = []
        x = left
        for css, text in _KEYS:
            middle = baseline - _SWATCH_HEIGHT / 2 + 5
            shape = f"h{_SWATCH_WIDTH}"
            if css.startswith("volume"):
                shape += f"v{_SWATCH_HEIGHT}h{-_SWATCH_WIDTH}z"
                middle -= _SWATCH_HEIGHT / 2
            parts.append(
                tag("path", d=f"M{x:.0f} {middle:.0f}{shape}", class_=f"key {css}")
            )
            x += _SWATCH_WIDTH + _TEXT_GAP
            parts.append(tag("text", text, x=f"{x:.0f}", y=f"{baseline:.0f}"))
            x += _CHARACTER * len(text) + _TEXT_GAP
        return joined(parts)

    def caption(self) -> str:
        """Return what is drawn, and what of it does not fit."""
        text = "Right: turnover of all bars of the scan by price, on the same axis"
        hidden = self._hidden_share()
        if hidden >= _WORTH_TELLING:
            text += f"; {100 * hidden:.0f} % of it lies beyond the prices shown"
        return f"{text}."

    def _place(self, price: float) -> int:
        shown = min(max(price, self.y.first), self.y.last)
        return round(self.y.place(shown))

    def _edges(self, place: int) -> tuple[float, float]:
        low = self.volumes.low + place * self.volumes.step
        return low, low + self.volumes.step

    def _is_inside(self, place: int) -> bool:
        low, high = self.box.value_area_low, self.box.value_area_high
        if low is None or high is None:
            return False
        return float(low) < sum(self._edges(place)) / 2 < float(high)

    def _outline(self, mask: list[bool], css: str) -> Html | None:
        # from the lowest price upwards; a step that is masked out has no width
        if not any(mask):
            return None
        largest = float(self.volumes.share.max())
        y = self._place(self.volumes.low)
        d, at = f"M{self.left:.0f} {y}", 0
        for place, share in enumerate(self.volumes.share.tolist()):
            top = self._place(self._edges(place)[1])
            full = self.right - self.left
            to = round(full * share / largest) if mask[place] and top != y else 0
            d += f"h{to - at}" if to != at else ""
            d += f"v{top - y}" if top != y else ""
            at, y = to, top
        return tag("path", d=f"{d}H{self.left:.0f}Z", class_=css)

    def _hidden_share(self) -> float:
        shown = 0.0
        for place, share in enumerate(self.volumes.share.tolist()):
            low, high = self._edges(place)
            part = min(high, self.y.last) - max(low, self.y.first)
            shown += share * min(max(part / (high - low), 0.0), 1.0)
        return 1 - shown


_WORTH_TELLING = 0.005
