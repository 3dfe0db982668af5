"""Because reports and topics name communes by code: each code must be one, and each name be spelt right."""

from collections import Counter

import pytest

from gateway.feed import FeedError, Topic
from gateway.feed.communes import commune, communes


def test_ha_tinh_has_sixty_communes_and_nine_wards_each_with_a_code_of_its_own():
    assert Counter(each.kind for each in communes()) == {"commune": 60, "ward": 9}
    assert len({each.code for each in communes()}) == len({each.slug for each in communes()}) == 69


def test_every_code_makes_a_topic():
    for each in communes():
        assert Topic.parse(f"ntm/v1/{each.province}/{each.code}/gateway/gw-01/status").commune == each.code


def test_a_name_says_what_it_is_in_vietnamese():
    assert commune("18073").full_name == "Phường Thành Sen"
    assert all(each.full_name.endswith(each.name) for each in communes())
    assert all(each.name_ascii.isascii() for each in communes())


def test_an_unknown_code_is_named():
    with pytest.raises(FeedError, match="'99999' is none of the 69"):
        commune("99999")
