from monitor.api_clients.clock import ExchangeClock


class Clocks:
    monotonic_s = 100.0
    wall_s = 5000.0


def clock(clocks: Clocks) -> ExchangeClock:
    return ExchangeClock(
        monotonic_s=lambda: clocks.monotonic_s, wall_s=lambda: clocks.wall_s
    )


def test_before_the_first_measurement_the_wall_clock_is_the_guess() -> None:
    measured = clock(Clocks())
    assert not measured.is_synced()
    assert measured.now_ms() == 5_000_000


def test_offset_is_taken_at_the_middle_of_the_round_trip() -> None:
    measured = clock(Clocks())
    measured.adopt(9_000_000, sent_at_ms=100_000, received_at_ms=100_200)
    assert measured.is_synced()
    assert measured.now_ms() == 9_000_000 - 100


def test_jumps_of_the_wall_clock_do_not_move_it() -> None:
    clocks = Clocks()
    measured = clock(clocks)
    measured.adopt(9_000_000, sent_at_ms=100_000, received_at_ms=100_000)
    clocks.wall_s += 600
    clocks.monotonic_s += 1
    assert measured.now_ms() == 9_001_000


def test_a_sharper_measurement_that_agrees_is_kept() -> None:
    measured = clock(Clocks())
    measured.adopt(9_000_000, sent_at_ms=100_000, received_at_ms=100_010)
    sharp = measured.sample
    measured.adopt(9_000_000, sent_at_ms=100_000, received_at_ms=100_100)
    assert measured.sample is sharp


def test_a_measurement_that_disagrees_replaces_the_sharper_one() -> None:
    measured = clock(Clocks())
    measured.adopt(9_000_000, sent_at_ms=100_000, received_at_ms=100_010)
    measured.adopt(9_500_000, sent_at_ms=100_000, received_at_ms=100_100)
    assert measured.now_ms() == 9_500_000 - 50


def test_a_sharper_measurement_replaces_a_blurred_one() -> None:
    measured = clock(Clocks())
    measured.adopt(9_000_000, sent_at_ms=100_000, received_at_ms=100_100)
    measured.adopt(9_000_000, sent_at_ms=100_000, received_at_ms=100_010)
    assert measured.now_ms() == 9_000_000 - 5


def test_a_blurred_measurement_that_may_agree_does_not_replace_a_sharper_one() -> None:
    measured = clock(Clocks())
    measured.adopt(9_000_000, sent_at_ms=100_000, received_at_ms=100_600)
    sharp = measured.sample
    # offsets 600 ms apart: both are possible within ±300 and ±350 ms
    measured.adopt(9_000_650, sent_at_ms=100_000, received_at_ms=100_700)
    assert measured.sample is sharp
    measured.adopt(9_000_701, sent_at_ms=100_000, received_at_ms=100_700)
    assert measured.sample is not sharp
