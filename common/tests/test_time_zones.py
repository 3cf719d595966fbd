"""Choosing a time zone, and refusing what is none."""

from datetime import UTC, datetime

import pytest
from django.core.exceptions import ValidationError

from common.time_zones import time_zone_choices, validate_time_zone

WINTER = datetime(2026, 11, 21, 9, tzinfo=UTC)


def test_choices_go_from_west_to_east_and_say_the_offset() -> None:
    labels = dict(time_zone_choices(WINTER))
    names = list(labels)

    assert labels["Europe/Moscow"] == "UTC+3 · Europe/Moscow"
    assert labels["Pacific/Marquesas"] == "UTC−9:30 · Pacific/Marquesas"
    assert labels["UTC"] == "UTC · UTC"
    assert names.index("America/New_York") < names.index("UTC") < names.index("Asia/Omsk")


def test_old_names_are_offered_only_where_one_is_set() -> None:
    assert "Etc/GMT-3" not in dict(time_zone_choices(WINTER))
    assert "Etc/GMT-3" in dict(time_zone_choices(WINTER, with_name="Etc/GMT-3"))
    assert "Mars/Olympus" not in dict(time_zone_choices(WINTER, with_name="Mars/Olympus"))


def test_offsets_follow_summer_time() -> None:
    summer = datetime(2026, 7, 1, tzinfo=UTC)

    assert dict(time_zone_choices(WINTER))["Europe/Berlin"].startswith("UTC+1 ")
    assert dict(time_zone_choices(summer))["Europe/Berlin"].startswith("UTC+2 ")


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "europe/moscow"])
def test_what_is_no_zone_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValidationError, match="There is no time zone"):
        validate_time_zone(name)

    validate_time_zone("Europe/Moscow")
