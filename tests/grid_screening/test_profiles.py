"""Score profiles: what ships, what is refused."""

from dataclasses import FrozenInstanceError
from importlib.resources import files

import pytest

from grid_screening.exceptions import InvalidSettings
from grid_screening.profile import load_profile, profile_from_toml, profile_names

CLASSIC = (
    files("grid_screening")
    .joinpath("profiles", "classic.toml")
    .read_text(encoding="utf-8")
)


def edited(old: str, new: str) -> str:
    assert CLASSIC.count(old) >= 1
    return CLASSIC.replace(old, new, 1)


class TestClassic:
    def test_is_listed(self) -> None:
        assert "classic" in profile_names()

    def test_holds_the_documented_numbers(self) -> None:
        profile = load_profile("classic")
        weights = profile.weights
        assert profile.name == "classic"
        assert (weights.volatility, weights.inefficiency) == (0.2, 0.2)
        assert (weights.trend, weights.microstructure) == (0.3, 0.3)
        assert (profile.veto.slope_above, profile.veto.r_squared_above) == (50, 0.8)
        assert (profile.trend.flat_below, profile.trend.zero_at) == (5, 100)
        assert profile.microstructure.funding_low == 0.0001
        assert profile.microstructure.funding_high == 0.001
        assert profile.marks.low_confidence_below == 0.7
        assert profile.confidence.hurst_exponent == 0.15

    def test_every_number_has_a_comment(self) -> None:
        rows = [line for line in CLASSIC.splitlines() if " = " in line]
        numbers = [line for line in rows if not line.startswith(("#", "description"))]
        assert numbers
        assert [line for line in numbers if "#" not in line] == []

    def test_cannot_be_changed(self) -> None:
        with pytest.raises(FrozenInstanceError):
            load_profile("classic").name = "other"  # type: ignore[misc]


class TestLoading:
    @pytest.mark.parametrize("name", ["nope", "", "../classic", "classic.toml"])
    def test_unknown_name_lists_the_available_ones(self, name: str) -> None:
        with pytest.raises(InvalidSettings) as caught:
            load_profile(name)
        available = ", ".join(profile_names())
        assert str(caught.value) == f"profile must be one of {available}, was {name!r}"

    def test_not_toml_is_refused(self) -> None:
        with pytest.raises(InvalidSettings, match="profile odd must be valid TOML"):
            profile_from_toml("[weights\n", name="odd")

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("zero_at = 100.0", "", "profile odd: trend: keys must be complete, zero"),
            ("zero_at = 100.0", "zero_at = true", "trend.zero_at must be a number"),
            ("zero_at = 100.0", 'zero_at = "1"', "trend.zero_at must be a number"),
            ("zero_at = 100.0", "zero_at = inf", "trend.zero_at must be finite"),
            ("zero_at = 100.0", "zero_at = 0", "zero_at must be > 0, was 0"),
            ("zero_at = 100.0", "zero_at = 1\nodd = 1", "trend: key must be one of"),
            ("volatility = 0.2", "volatility = 0.3", "must have the sum 1, was 1.1"),
            ("volatility = 0.2", "volatility = -0.2", "must be finite and ≥ 0"),
            ("funding_low = 0.0001", "funding_low = 0.1", "funding_low must be at"),
            ("hurst_exponent = 0.15", "hurst_exponent = 0.9", "sum of at most 1"),
            ("hurst_exponent = 0.15", "hurst_exponent = -0.1", "must be ≥ 0"),
            ("description = ", "description = 3 #", "description must be a text"),
            ("description = ", "veto = 3\ndescription = ", "valid TOML"),
            ("description = ", 'extra = ""\ndescription = ', "key must be one of"),
        ],
    )
    def test_malformed_file_names_the_key(
        self, old: str, new: str, message: str
    ) -> None:
        with pytest.raises(InvalidSettings) as caught:
            profile_from_toml(edited(old, new), name="odd")
        assert message in str(caught.value)

    def test_section_that_is_no_table_is_refused(self) -> None:
        start = CLASSIC.index("[veto]")
        end = CLASSIC.index("[trend]")
        text = "veto = 3\n" + CLASSIC[:start] + CLASSIC[end:]
        with pytest.raises(InvalidSettings, match="odd: veto must be a table, was 3"):
            profile_from_toml(text, name="odd")


class TestGate:
    SECTION = "[gate]\nrange_to_volatility_at_least = 2.5\n\n[strict]"

    def test_is_optional(self) -> None:
        gated = profile_from_toml(edited("[strict]", self.SECTION), name="odd")
        assert gated.gate is not None
        assert gated.gate.range_to_volatility_at_least == 2.5
        assert profile_from_toml(CLASSIC, name="odd").gate is None

    @pytest.mark.parametrize(
        ("new", "message"),
        [
            ("0.0", "range_to_volatility_at_least must be > 0, was 0"),
            ("nan", "gate.range_to_volatility_at_least must be finite"),
            ("true", "gate.range_to_volatility_at_least must be a number"),
            ("2.5\nextra = 1", "gate: key must be one of range_to_volatility"),
        ],
    )
    def test_malformed_gate_names_the_key(self, new: str, message: str) -> None:
        text = edited("[strict]", self.SECTION.replace("2.5", new))
        with pytest.raises(InvalidSettings) as caught:
            profile_from_toml(text, name="odd")
        assert message in str(caught.value)

    def test_guarded_has_a_comment_at_every_number(self) -> None:
        text = (
            files("grid_screening")
            .joinpath("profiles", "guarded.toml")
            .read_text(encoding="utf-8")
        )
        rows = [line for line in text.splitlines() if " = " in line]
        numbers = [line for line in rows if not line.startswith(("#", "description"))]
        assert [line for line in numbers if "#" not in line] == []
