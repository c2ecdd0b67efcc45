"""Many clients who do the same at the same moment."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from ecmahost_host_kit.targets import Target, named


def together(actions: list[Callable[[], Any]]) -> list[Any]:
    """Runs the actions at the same moment, each in a thread of its own; returns what they return."""
    barrier = threading.Barrier(len(actions))

    def wait_and_run(action: Callable[[], Any]) -> Any:
        barrier.wait(30)
        return action()

    with ThreadPoolExecutor(len(actions)) as threads:
        return list(threads.map(wait_and_run, actions))


def spelling(name: str, number: int) -> str:
    """The same name in another spelling: case and trailing blanks do not count."""
    varied = (name, name.upper(), name.capitalize(), f"{name[:4].upper()}{name[4:]}")[number % 4]
    return varied + " " * (number // 4 % 3)


def one_of_many_creates(
    host: Any, connector: str, target: Target, name: str, clients: list[Any], *, urn: str = ""
) -> None:
    """Lets all the clients create the same user together, in different spellings; exactly one must succeed.

    The name is ``userName``, or the column ``UserName`` behind a URN.
    """
    spellings = [spelling(name, place) for place in range(len(clients))]
    bodies: list[dict[str, Any]] = [{urn: {"UserName": one}} if urn else {"userName": one} for one in spellings]
    answers = together([partial(client.create, body) for client, body in zip(clients, bodies, strict=True)])
    assert Counter(answer.status for answer in answers) == {201: 1, 409: len(clients) - 1}, (connector, name)
    assert {answer.json["scimType"] for answer in answers if answer.status == 409} == {"uniqueness"}
    assert len(named(target, name)) == 1, name
    (created,) = (answer.json for answer in answers if answer.status == 201)
    assert clients[0].matched(name, f"{urn}:UserName" if urn else "userName") == [created], host.trouble()
