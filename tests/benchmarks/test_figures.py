from __future__ import annotations

import pytest
from benchmarks.figures import Bound, Measure, Summary

ROUNDS = (
    {"us": 10.0, "them": 10.0, "others": 1.0},
    {"us": 22.0, "them": 20.0},
    {"us": 90.0, "them": 30.0},
    {"them": 40.0},
)


def measure(bound: Bound | None = None, beside: str | None = None) -> Measure:
    return Measure("first token", "s", ROUNDS, "us", bound, beside)


def test_a_summary_is_the_median_between_its_quartiles() -> None:
    assert Summary.of([5, 1, 4, 2, 3]) == Summary(3, 2, 4, 5)
    assert Summary.of([1, 2]) == Summary(1.5, 1.25, 1.75, 2)


def test_a_single_value_is_its_own_quartiles() -> None:
    assert Summary.of([7]) == Summary(7, 7, 7, 1)


def test_nothing_has_no_summary() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        Summary.of([])


def test_a_ratio_is_taken_round_by_round_and_not_of_the_medians() -> None:
    slow_moment = ({"us": 1.0, "them": 1.0}, {"us": 9.0, "them": 3.0}, {"us": 2.0, "them": 2.0})
    ratio = Measure("", "s", slow_moment, "us", beside="them").ratio
    assert ratio is not None
    assert ratio.median == 1.0  # of the medians: 2 / 2; of the means: 4 / 2
    assert ratio.high == 2.0


def test_a_round_that_a_peer_missed_is_no_pair() -> None:
    ratio = measure(beside="them").ratio
    assert ratio is not None
    assert (ratio.count, ratio.median) == (3, 1.1)
    assert measure(beside="others").ratio == Summary(10, 10, 10, 1)


@pytest.mark.parametrize(
    ("bound", "met"),
    [
        (Bound(1.1, "them"), True),
        (Bound(1.09, "them"), False),
        (Bound(1.1, "them", at_least=True), True),
        (Bound(1.2, "them", at_least=True), False),
        (Bound(22.0), True),
        (Bound(21.9), False),
        (Bound(1.1, "nobody"), None),
        (None, None),
    ],
)
def test_a_bound_is_met_by_the_median(bound: Bound | None, met: bool | None) -> None:
    assert measure(bound).met is met


def test_a_bound_of_somebody_who_was_not_measured_is_neither_met_nor_missed() -> None:
    assert Measure("", "s", ({"them": 1.0},), "us", Bound(5.0)).met is None


def test_the_peers_stand_in_the_order_of_their_turns() -> None:
    assert measure().peers == ("us", "them", "others")


def test_json_tells_every_value_the_ratio_and_the_verdict() -> None:
    told = measure(Bound(1.05, "them")).as_json()
    assert told["peers"]["them"] == {
        "median": 25.0,
        "quartiles": [17.5, 32.5],
        "values": [10.0, 20.0, 30.0, 40.0],
    }
    assert told["ratio"] == {"to": "them", "median": 1.1, "quartiles": [1.05, 2.05]}
    assert told["wanted"] == {"limit": 1.05, "sign": "≤", "to": "them", "met": False}


def test_json_has_no_ratio_and_no_verdict_where_there_is_none() -> None:
    told = measure().as_json()
    assert told["ratio"] is None
    assert told["wanted"] is None
