"""Paths and filters written out again: they are read back as what they were."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecmahost_core.scim.filter import parse_filter
from ecmahost_core.scim.filter_text import filter_text, path_text
from ecmahost_core.scim.path import parse_path

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ('USERNAME EQ "b\\"j"', 'userName eq "b\\"j"'),
        ('title pr and (title pr OR not (active eq "True"))', "title pr and (title pr or not (active eq true))"),
        ("title pr and active pr or title pr", "(title pr and active pr) or title pr"),
        ('emails[TYPE eq "work" and value co "@x"]', 'emails[type eq "work" and value co "@x"]'),
        ('emails[type eq "work"].value sw "a"', 'emails[type eq "work"].value sw "a"'),
        (f"{ENTERPRISE}:department eq null", f"{ENTERPRISE}:department eq null"),
    ],
)
def test_a_filter_is_told_as_it_was_read(user_type, sent, told):
    node = parse_filter(sent, user_type)
    assert filter_text(node) == told
    assert parse_filter(told, user_type) == node


@given(value=st.text())
def test_whatever_a_value_holds_the_text_means_the_same_filter(user_type, value):
    node = parse_filter(f"userName eq {json.dumps(value)}", user_type)
    assert parse_filter(filter_text(node), user_type) == node


@pytest.mark.parametrize(
    "path",
    [
        "userName",
        "name.givenName",
        'emails[type eq "work"].value',
        'emails[type eq "work"]',
        f"{ENTERPRISE}:department",
    ],
)
def test_a_path_is_told_with_its_filter(user_type, path):
    assert path_text(parse_path(path.replace("value", "VALUE").replace("given", "GIVEN"), user_type)) == path


@pytest.mark.parametrize(
    ("rank", "told"),
    [
        (Decimal("1.50"), "userName gt 1.50"),
        (Decimal("1E+3"), "userName gt 1000"),
        (datetime(2026, 1, 31, 8, tzinfo=UTC), 'userName gt "2026-01-31T08:00:00+00:00"'),
    ],
)
def test_what_a_text_means_in_an_order_is_told(user_type, rank, told):
    read = parse_filter('userName gt "x"', user_type)
    assert filter_text(replace(read, value=rank)) == told
