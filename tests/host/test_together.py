"""Many clients at once: of all who create the same person exactly one succeeds, and of different persons all do."""

import time
from collections import Counter
from functools import partial
from typing import Any

from ecmahost_host_kit.rivals import one_of_many_creates, spelling, together

CLIENTS = 64
ROUNDS = 50


def test_of_64_who_create_the_same_user_together_exactly_one_succeeds(
    estate: Any, kind: str, record_testsuite_property: Any
) -> None:
    clients = [estate.host.client(kind) for _ in range(CLIENTS)]
    together([client.connect for client in clients])
    begun = time.monotonic()
    for number in range(ROUNDS):
        one_of_many_creates(estate.host, kind, estate.targets[kind], f"same{number}of{kind}", clients)
    record_testsuite_property(
        f"{kind}_contended_requests_per_second", round(ROUNDS * CLIENTS / (time.monotonic() - begun))
    )


def test_of_640_users_from_32_clients_each_is_there_once(
    estate: Any, kind: str, record_testsuite_property: Any
) -> None:
    target = estate.targets[f"{kind}NoneNone"]
    before = len(target.rows())
    clients = [estate.host.client(f"{kind}NoneNone") for _ in range(32)]

    def twenty(place: int) -> list[str]:
        return [
            clients[place].created({"userName": f"many{place}x{number}", "title": f"{place * 20 + number}"})
            for number in range(20)
        ]

    begun = time.monotonic()
    ids = [one for part in together([partial(twenty, place) for place in range(32)]) for one in part]
    record_testsuite_property(f"{kind}_creations_per_second", round(640 / (time.monotonic() - begun)))

    rows = target.rows()
    assert len(rows) == before + 640
    assert Counter(row["Title"] for row in rows if row["UserName"].startswith("many")) == {
        str(number): 1 for number in range(640)
    }
    assert len(set(ids)) == 640
    assert clients[0].search('userName sw "many"', count=0).json["totalResults"] == 640
    listed = [
        one["id"] for start in (1, 301, 601) for one in clients[0].get(f"/Users?startIndex={start}&count=300").resources
    ]
    assert set(ids) <= set(listed)
    assert len(listed) == len(set(listed))


def test_many_who_change_one_user_together_lose_none_of_the_changes(
    estate: Any, kind: str, person: dict[str, Any], named: Any
) -> None:
    object_id = estate.host.client(kind).created(person)
    columns = {
        "displayName": "DisplayName",
        "title": "Title",
        "name.givenName": "GivenName",
        "name.familyName": "FamilyName",
        'phoneNumbers[type eq "work"].value': "Phone",
        "externalId": "ExternalId",
    }
    clients = [estate.host.client(kind) for _ in columns]

    for number in range(5):
        operations = [{"op": "Replace", "path": path, "value": f"{path[:4]} {number}"} for path in columns]
        answers = together(
            [partial(client.patch, object_id, operation) for client, operation in zip(clients, operations, strict=True)]
        )
        assert {answer.status for answer in answers} == {200}
        (row,) = named(estate.targets[kind], person["userName"])
        assert {row[column] for column in columns.values()} == {f"{path[:4]} {number}" for path in columns}


def test_a_user_who_is_deleted_and_created_anew_by_many_is_never_there_twice(
    estate: Any, kind: str, person: dict[str, Any], named: Any
) -> None:
    target = estate.targets[kind]
    clients = [estate.host.client(kind) for _ in range(12)]

    def churn(client: Any, place: int) -> None:
        for _ in range(6):
            match = client.match(spelling(person["userName"], place))
            if match.status == 503:  # somebody else is just at it: better no answer than a wrong one
                continue
            assert len(match.resources) <= 1
            if not match.resources:
                assert client.create(person).status in (201, 409)
            else:
                assert client.delete(match.resources[0]["id"]).status in (204, 404)

    together([partial(churn, client, place) for place, client in enumerate(clients)])

    rows = named(target, person["userName"])
    assert len(rows) == len(clients[0].matched(person["userName"])) <= 1
