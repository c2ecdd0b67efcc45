"""The index follows what clients match on."""

import sqlite3
import threading
from typing import Any

import pytest

from ecmahost_core.configuration.model import Freshness
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.scim.filter import parse_filter
from ecmahost_core.space.fingerprint import MatchedIndex
from ecmahost_core.space.sql import matched, unindexing
from ecmahost_core.sync import agreement, endpoint
from ecmahost_core.sync.explaining.explain import explain
from ecmahost_core.sync.explaining.scim_request import read_requests
from ecmahost_core.sync.importing.imports import full_import
from ecmahost_core.sync.reading import matching
from ecmahost_core.sync.reading.access import ByValue, Everybody, access_to
from ecmahost_core.sync.reading.matched_index import follow_matches


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """What another process has noted or built is seen by the next request."""
    monkeypatch.setattr(agreement, "FRESH_SECONDS", 0.0)


@pytest.fixture
def country(memory):
    return f"{memory.CUSTOM}:Country"


@pytest.fixture
def crowd(desk):
    """More people than one transaction indexes, of whom each third is Swiss."""
    desk.target.rows = {
        (f"u{number}",): {"Login": (f"u{number}",), "Country": ("CH" if number % 3 == 0 else f"C{number}",)}
        for number in range(1200)
    }
    return desk.ready()


def accessed(desk: Any, text: str) -> Any:
    binding = desk.binding
    return access_to(binding, parse_filter(text, binding.resource_type))


def logins(found: list[Any]) -> list[str]:
    return [one.attributes["Login"][0] for one in found]


def rows(desk: Any, statement: str) -> list[Any]:
    with sqlite3.connect(desk.directory / "space.db") as connection:
        found = connection.execute(statement).fetchall()
    connection.close()
    return found


def test_a_match_on_a_mapped_attribute_is_a_look_up_once_the_worker_has_seen_it(crowd, country):
    text = f'{country} eq "ch"'
    assert isinstance(accessed(crowd, text), Everybody)
    before = logins(crowd.match(text, count=1000))
    assert len(before) == 400
    assert isinstance(accessed(crowd, text), Everybody)
    follow_matches(crowd.endpoint)
    access = accessed(crowd, text)
    assert isinstance(access, ByValue)
    assert access.learned
    assert not access.unique
    assert logins(crowd.match(text, count=1000)) == before
    assert logins(crowd.match(f'{country} eq "c7"')) == ["u7"]
    assert crowd.match(f'{country} eq "nobody"') == []


def test_only_the_host_that_leads_builds_and_gives_up(crowd, country, monkeypatch):
    crowd.match(f'{country} eq "ch"')
    monkeypatch.setattr(crowd.store, "leads", lambda: False)
    follow_matches(crowd.endpoint)
    assert set(crowd.endpoint.agreement.standing().matched.values()) == {MatchedIndex.WANTED}
    monkeypatch.undo()
    monkeypatch.setattr(agreement, "FRESH_SECONDS", 0.0)
    follow_matches(crowd.endpoint)
    assert set(crowd.endpoint.agreement.standing().matched.values()) == {MatchedIndex.READY}


def test_it_is_there_after_a_restart_and_in_every_process(crowd, country, monkeypatch):
    crowd.match(f'{country} eq "ch"')
    follow_matches(crowd.endpoint)
    crowd.restart()

    def scan(*_arguments: object) -> None:
        raise AssertionError("everybody is looked at")

    monkeypatch.setattr(crowd.store, "scan", scan)
    assert logins(crowd.match(f'{country} eq "c7"')) == ["u7"]


def test_writes_and_imports_keep_it_true(crowd, country, memory):
    crowd.match(f'{country} eq "ch"')
    follow_matches(crowd.endpoint)
    crowd.create(userName="new", **{memory.CUSTOM: {"Country": "Far"}})
    crowd.target.rows["u7",]["Country"] = ("Moved",)
    del crowd.target.rows["u8",]
    full_import(crowd.endpoint, confirm=True)
    assert crowd.match(f'{country} eq "c7"') == []
    assert crowd.match(f'{country} eq "c8"') == []
    assert logins(crowd.match(f'{country} eq "moved"')) == ["u7"]
    assert logins(crowd.match(f'{country} eq "far"')) == ["new"]


def test_a_match_is_noted_once_and_not_for_each_request(crowd, country, monkeypatch):
    notes = []
    note = crowd.store.note_matched
    monkeypatch.setattr(crowd.store, "note_matched", lambda *given: (notes.append(given), note(*given)))
    for _ in range(5):
        crowd.match(f'{country} eq "ch"')
    assert len(notes) == 1
    follow_matches(crowd.endpoint)
    crowd.match(f'{country} eq "ch"')
    assert len(notes) == 1


def test_neither_a_query_attribute_nor_what_is_not_mapped_is_noted(crowd):
    crowd.match('userName eq "u7"')
    crowd.match('nickName eq "x"')
    crowd.match('PLACEHOLDER eq "x"')
    crowd.match('userName co "u7"')
    assert crowd.endpoint.agreement.standing().matched == {}


def test_two_people_may_have_the_value_all_the_same(crowd, country, memory):
    crowd.match(f'{country} eq "ch"')
    follow_matches(crowd.endpoint)
    extension = {memory.CUSTOM: {"Country": "CH"}}
    crowd.create(userName="a", **extension)
    crowd.create(userName="b", **extension)
    assert len(crowd.match(f'{country} eq "ch"', count=1000)) == 402


def test_the_target_is_not_asked_for_it(crowd, country, monkeypatch):
    assert crowd.endpoint.freshness is Freshness.VERIFY
    crowd.match(f'{country} eq "ch"')
    follow_matches(crowd.endpoint)
    crowd.target.rows["new",] = {"Login": ("new",), "Country": ("XX",)}

    def asked(*_arguments: object) -> None:
        raise AssertionError("the target is asked")

    monkeypatch.setattr(matching, "read_by_value", asked)
    assert crowd.match(f'{country} eq "xx"') == []


def test_the_index_goes_with_the_mapping(crowd, country, memory):
    crowd.match(f'{country} eq "ch"')
    follow_matches(crowd.endpoint)
    assert rows(crowd, "SELECT count(*) FROM value_index WHERE attribute = 'Country'") == [(1200,)]
    mapping = {path: name for path, name in memory.MAPPING.items() if name != "Country"}
    crowd.restart(mapping=mapping)
    follow_matches(crowd.endpoint)
    assert rows(crowd, "SELECT count(*) FROM value_index WHERE attribute = 'Country'") == [(0,)]
    assert rows(crowd, "SELECT count(*) FROM matched") == [(0,)]
    assert "Country" not in rows(crowd, "SELECT indexed FROM space_type WHERE resource_type = 'User'")[0][0]
    assert crowd.match('userName eq "u7"') != []


def test_who_has_not_noticed_yet_that_the_index_goes_still_finds_everybody(crowd, country, monkeypatch):
    crowd.match(f'{country} eq "ch"')
    follow_matches(crowd.endpoint)
    binding = crowd.binding
    monkeypatch.setattr(unindexing, "advance", lambda transaction, type_id: (_ for _ in ()).throw(KeyError))
    with pytest.raises(KeyError):  # the process that drops it dies in the middle
        crowd.store.forget_matched(binding.space_type, "Country")
    assert len(crowd.store.find(binding.space_type, "Country", "ch")) == 400
    monkeypatch.undo()
    assert crowd.endpoint.agreement._store.agree("hr", crowd.endpoint.agreement.fingerprint).matched == {
        "User.Country": MatchedIndex.GOING
    }


def test_an_index_that_was_half_dropped_is_whole_when_it_is_there_again(crowd, country, monkeypatch):
    crowd.match(f'{country} eq "ch"')
    follow_matches(crowd.endpoint)
    drop, batches = unindexing.advance, []

    def once(*given: Any) -> bool:
        if batches:
            raise KeyError
        batches.append(given)
        return drop(*given)

    monkeypatch.setattr(unindexing, "advance", once)
    with pytest.raises(KeyError):
        crowd.store.forget_matched(crowd.binding.space_type, "Country")
    monkeypatch.undo()
    monkeypatch.setattr(agreement, "FRESH_SECONDS", 0.0)
    follow_matches(crowd.endpoint)
    assert rows(crowd, "SELECT count(*) FROM value_index WHERE attribute = 'Country'") == [(0,)]
    monkeypatch.setattr(endpoint, "NOTE_SECONDS", 0.0)
    assert len(crowd.match(f'{country} eq "ch"', count=1000)) == 400
    follow_matches(crowd.endpoint)
    assert isinstance(accessed(crowd, f'{country} eq "ch"'), ByValue)
    assert len(crowd.match(f'{country} eq "ch"', count=1000)) == 400
    assert rows(crowd, "SELECT count(*) FROM value_index WHERE attribute = 'Country'") == [(1200,)]


def test_what_becomes_a_query_attribute_keeps_its_index_and_loses_the_note(crowd, country):
    crowd.match(f'{country} eq "ch"')
    follow_matches(crowd.endpoint)
    crowd.restart(query=("Login", ("Country", False)))
    follow_matches(crowd.endpoint)
    assert rows(crowd, "SELECT count(*) FROM matched") == [(0,)]
    assert rows(crowd, "SELECT count(*) FROM value_index WHERE attribute = 'Country'") == [(1200,)]
    assert len(crowd.match(f'{country} eq "ch"', count=1000)) == 400


def test_clients_choose_a_bounded_number_of_indexes(crowd):
    for number in range(40):
        crowd.store.note_matched(crowd.binding.space_type, f"A{number}")
        crowd.store.note_matched(crowd.binding.space_type, f"A{number}")
    assert len(crowd.endpoint.agreement.standing().matched) == matched.MOST


def test_nobody_is_told_none_about_somebody_who_is_being_created(crowd, country, memory):
    crowd.match(f'{country} eq "ch"')
    follow_matches(crowd.endpoint)
    gate = crowd.target.before_export = memory.Gate()
    creating = threading.Thread(target=crowd.create, kwargs={"userName": "new", memory.CUSTOM: {"Country": "XX"}})
    creating.start()
    gate.wait_for()
    with pytest.raises(ScimError) as refused:
        crowd.match(f'{country} eq "xx"')
    assert refused.value.status == 503
    gate.open()
    creating.join()
    assert logins(crowd.match(f'{country} eq "xx"')) == ["new"]


def test_explain_tells_of_it(crowd, country):
    crowd.match(f'{country} eq "ch"')
    follow_matches(crowd.endpoint)
    (asked,) = read_requests({"method": "GET", "path": f'/Users?filter={country} eq "ch"'}, "hr")
    told = explain(crowd.endpoint, asked, crowd.call()).to_json()
    assert any("clients match on it" in line for line in told["query"])


def test_while_the_connector_cannot_be_used_nothing_is_done_and_nothing_is_raised(crowd, country, memory):
    crowd.match(f'{country} eq "ch"')
    crowd.restart(anchor=("Country",))
    follow_matches(crowd.endpoint)
    assert rows(crowd, "SELECT count(*) FROM value_index WHERE attribute = 'Country'") == [(0,)]
    crowd.restart()
    follow_matches(crowd.endpoint)
    assert rows(crowd, "SELECT count(*) FROM value_index WHERE attribute = 'Country'") == [(1200,)]
