import pytest
from ecmahost_entra.changes import portions
from ecmahost_entra.person import make_person


@pytest.mark.parametrize(("count", "requests"), [(0, 0), (1, 1), (12, 12), (13, 7), (24, 12), (100, 12)])
def test_attributes_go_one_by_one_until_the_requests_become_too_many(bench, count: int, requests: int) -> None:
    trait = make_person(bench.plan).traits[0]
    found = portions([trait] * count)
    assert len(found) == requests
    assert sum(map(len, found)) == count
