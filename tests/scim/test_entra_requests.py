"""The requests that Entra sends, as they are on the wire, and what is to become of them."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from ecmahost_core.scim.evaluate import matches
from ecmahost_core.scim.filter import parse_filter
from ecmahost_core.scim.messages import parse_patch
from ecmahost_core.scim.patch import apply_patch
from ecmahost_core.scim.resource import ResourceType, canonical

REQUESTS = Path(__file__).parent.parent / "entra"


def read(name: str) -> Any:
    return json.loads((REQUESTS / f"{name}.json").read_text(encoding="utf-8"))


def created(name: str) -> list[Any]:
    return [pytest.param(case, id=case["case"]) for case in read(name)]


def patched(name: str) -> list[Any]:
    """Each case of a file whose ``before`` is the resource unless the case has its own."""
    recorded = read(name)
    return [pytest.param({"before": recorded["before"]} | case, id=case["case"]) for case in recorded["cases"]]


def check_patch(case: dict[str, Any], resource_type: ResourceType) -> None:
    """``changes`` are the top-level attributes that differ afterwards, null for those that are gone."""
    before = copy.deepcopy(case["before"])
    request = copy.deepcopy(case["request"])
    after = {name: value for name, value in (before | case["changes"]).items() if value is not None}
    result = apply_patch(case["before"], parse_patch(case["request"]), resource_type)
    assert result.resource == after
    assert list(result.ignored) == case.get("ignored", [])
    assert (case["before"], case["request"]) == (before, request)
    assert canonical(result.resource, resource_type).resource == result.resource
    again = apply_patch(result.resource, parse_patch(case["request"]), resource_type)
    assert again.resource == result.resource


@pytest.mark.parametrize("case", patched("patch_user"))
def test_a_patch_of_a_user_does_what_it_means(case: dict[str, Any], user_type: ResourceType) -> None:
    check_patch(case, user_type)


@pytest.mark.parametrize("case", patched("patch_group"))
def test_a_patch_of_a_group_does_what_it_means(case: dict[str, Any], group_type: ResourceType) -> None:
    check_patch(case, group_type)


@pytest.mark.parametrize("case", created("create_user"))
def test_a_new_user_is_read(case: dict[str, Any], user_type: ResourceType) -> None:
    result = canonical(case["request"], user_type)
    assert result.resource == case["resource"]
    assert list(result.ignored) == case["ignored"]


@pytest.mark.parametrize("case", created("create_group"))
def test_a_new_group_is_read(case: dict[str, Any], group_type: ResourceType) -> None:
    result = canonical(case["request"], group_type)
    assert result.resource == case["resource"]
    assert list(result.ignored) == case["ignored"]


QUERIES = read("queries_user")


@pytest.mark.parametrize("query", QUERIES["queries"], ids=lambda query: query["filter"])
def test_a_query_finds_whom_it_means(query: dict[str, Any], user_type: ResourceType) -> None:
    found = matches(parse_filter(query["filter"], user_type), QUERIES["resource"], user_type)
    assert found is query["matches"]
