"""The judgement of scim2-tester, which reads what the host says of itself and tries all of it."""

from collections import Counter
from typing import Any

from ecmahost_conformance_kit.served import PATH
from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import Status, check_server

PASSED = {Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE}
TIMES = 3
"""It sends random values, and types chosen at random of those that /Schemas names."""


def test_no_check_of_scim2_tester_fails_on_a_connector_that_maps_every_attribute(served: Any) -> None:
    for _ in range(TIMES):
        client = WSGISCIMClient(served.app, f"http://localhost{PATH}", served.headers)

        results = check_server(client)

        failed = [result for result in results if result.status not in PASSED]
        assert not failed, "\n".join(
            f"{one.status.name} {one.title} {one.resource_type}: {one.reason}" for one in failed
        )
        checked = Counter(str(result.resource_type) for result in results)
        assert checked["User"] > 60, checked
        assert checked["Group"] > 15, checked
        assert checked["Device"] > 15, checked
