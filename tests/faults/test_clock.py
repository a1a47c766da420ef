"""F15: the machine's clock is wrong."""

import pytest

from tests.faults.rig import JSON_SCAN, Commands, Rig, essence, interval_of

SHIFTED = ("-m", "tests.faults.shifted_command", "wrong")
TEN_MINUTES_S = 600


class TestWrongClock:
    """F15."""

    @pytest.mark.parametrize("shift_s", [-TEN_MINUTES_S, TEN_MINUTES_S])
    def test_the_report_is_the_same(
        self, shift_s: int, rig: Rig, commands: Commands
    ) -> None:
        rig.to_second(1)
        documents = []
        for shift in (0, shift_s):
            folder = commands.folder / str(shift)
            ended = commands.run(str(shift), *JSON_SCAN, program=SHIFTED, folder=folder)
            assert ended.code == 0, ended.stderr
            documents.append(ended.document)
        assert essence(documents[0]) == essence(documents[1])
        # not by accident: both know the exchange's time
        before, after = (document["as_of_ms"] for document in documents)
        assert 0 <= after - before < 60_000

    def test_a_shift_between_two_runs_with_one_data_folder_changes_nothing(
        self, rig: Rig, commands: Commands
    ) -> None:
        rig.to_second(1)
        first, second = (
            commands.run(str(shift), *JSON_SCAN, program=SHIFTED)
            for shift in (TEN_MINUTES_S, -TEN_MINUTES_S)
        )
        assert (first.code, second.code) == (0, 0), second.stderr
        assert essence(first.document) == essence(second.document)


class TestBarsThatClose:
    """F12 and F15: the exchange's time says which bars are closed."""

    def test_a_bar_is_used_as_soon_as_the_exchange_has_closed_it(
        self, rig: Rig, commands: Commands
    ) -> None:
        interval_ms = 4 * 3_600_000
        now_ms = rig.now_ms()
        closes_ms = (now_ms // interval_ms + 1) * interval_ms
        shortly_ms = 30_000
        rig.advance(closes_ms - now_ms - shortly_ms)
        before = commands.run(*JSON_SCAN)
        rig.advance(shortly_ms)
        after = commands.run(*JSON_SCAN)
        assert (before.code, after.code) == (0, 0), after.stderr
        assert before.document["last_bar_close_ms"] == closes_ms - interval_ms - 1
        assert after.document["last_bar_close_ms"] == closes_ms - 1
        assert {interval_of(row) for row in rig.log()} >= {"4h"}
