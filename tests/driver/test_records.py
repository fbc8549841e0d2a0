"""Named tuples that take little time to define."""

from __future__ import annotations

import copy
import pickle

import pytest

from mongoengine.driver.records import Record


class Point(Record):
    """A place on a map."""

    x: int
    y: int

    @property
    def total(self) -> int:
        return self.x + self.y


def test_values_have_names_and_places() -> None:
    point = Point(1, y=2)
    x, y = point
    assert (point.x, point.y, x, y, point.total) == (1, 2, 1, 2, 3)
    assert repr(point) == "Point(x=1, y=2)"
    assert point == (1, 2)


def test_a_copy_can_have_another_value() -> None:
    assert Point(1, 2)._replace(y=3) == Point(1, 3)
    with pytest.raises(TypeError, match="Point takes x, y"):
        Point(1, 2)._replace(z=3)  # type: ignore[call-arg]


def test_values_cannot_be_set() -> None:
    point = Point(1, 2)
    with pytest.raises(AttributeError):
        point.x = 3  # type: ignore[misc]
    with pytest.raises(AttributeError):
        point.z = 3  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("values", "named"),
    [((1,), {}), ((1, 2, 3), {}), ((1,), {"z": 2}), ((1, 2), {"y": 2}), ((), {"x": 1})],
)
def test_other_arguments_are_refused(
    values: tuple[int, ...], named: dict[str, int]
) -> None:
    with pytest.raises(TypeError, match="Point takes x, y"):
        Point(*values, **named)  # type: ignore[arg-type]


def test_copies_are_of_the_class() -> None:
    point = Point(1, 2)
    for again in (copy.deepcopy(point), pickle.loads(pickle.dumps(point))):
        assert (type(again), again) == (Point, point)
