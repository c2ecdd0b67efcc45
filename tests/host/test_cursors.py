"""A query by cursor (RFC 9865) while processes come and go."""

from typing import Any


def test_a_cursor_leads_on_in_every_process_and_after_a_restart(home: Any, start: Any) -> None:
    target = home.sqlite("hr")
    home.connect("hr", target)
    for number in range(12):
        target.add(UserName=f"user{number:02}")
    host = start(home)
    seen: list[str] = []
    cursor = ""

    def page() -> str | None:
        client = host.client("hr")  # a connection of its own, which any of the two workers may take
        body = client.get(f"/Users?count=2&attributes=userName&cursor={cursor}").json
        client.close()
        seen.extend(one["userName"] for one in body["Resources"])
        found: str | None = body.get("nextCursor")
        return found

    for _ in range(3):
        cursor = page() or ""
    assert host.stop() == 0
    host = start(home)
    while True:
        following = page()
        if following is None:
            break
        cursor = following
    assert seen == [f"user{number:02}" for number in range(12)]
    wrong = host.client("hr").get(f"/Users?filter=userName%20pr&cursor={cursor}")
    assert (wrong.status, wrong.json["scimType"]) == (400, "invalidCursor")
