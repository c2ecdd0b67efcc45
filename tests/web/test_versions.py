import pytest


@pytest.fixture
def bob(client):
    return client.post("/Users", {"userName": "bob", "name": {"givenName": "Bob"}}).get_json()


RENAME = {"op": "replace", "path": "name.givenName", "value": "Rob"}


def writes(client, path, headers):
    return [
        client.patch(path, RENAME, headers=headers),
        client.ask("PUT", path, {"userName": "bob", "name": {"givenName": "Rob"}}, headers=headers),
        client.ask("DELETE", path, headers=headers),
    ]


@pytest.mark.parametrize("header", ['"other"', "", 'W/"x-1", "y"'])
def test_a_write_at_another_version_is_412_and_writes_nothing(client, bob, desk, header):
    sent = len(desk.target.sent)
    answers = writes(client, f"/Users/{bob['id']}", {"If-Match": header})
    assert [answer.status_code for answer in answers] == [412] * 3
    assert {answer.headers["ETag"] for answer in answers} == {bob["meta"]["version"]}
    assert len(desk.target.sent) == sent
    assert client.get(f"/Users/{bob['id']}").get_json() == bob


def test_a_write_at_the_version_that_was_read_is_done(client, bob):
    path = f"/Users/{bob['id']}"
    version = bob["meta"]["version"]
    answer = client.patch(path, RENAME, headers={"If-Match": version})
    assert answer.status_code == 200
    assert answer.headers["ETag"] == answer.get_json()["meta"]["version"] != version
    assert client.patch(path, RENAME, headers={"If-Match": version}).status_code == 412
    assert client.ask("DELETE", path, headers={"If-Match": "*"}).status_code == 204
    assert client.ask("DELETE", path, headers={"If-Match": "*"}).status_code == 404


def test_of_two_writes_at_one_version_the_second_is_412_even_when_it_has_looked_before(client, bob, desk):
    path = f"/Users/{bob['id']}"
    headers = {"If-Match": bob["meta"]["version"]}
    open_entry = desk.store.open_entry

    def overtaken(intent):
        desk.store.open_entry = open_entry
        assert client.patch(path, {"op": "replace", "path": "name.familyName", "value": "Ross"}).status_code == 200
        return open_entry(intent)

    desk.store.open_entry = overtaken
    assert client.patch(path, RENAME, headers=headers).status_code == 412
    assert client.get(path).get_json()["name"] == {"givenName": "Bob", "familyName": "Ross"}


def test_a_reader_with_the_newest_version_gets_304_without_a_body(client, bob):
    path = f"/Users/{bob['id']}"
    answer = client.get(path, headers={"If-None-Match": bob["meta"]["version"]})
    assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", bob["meta"]["version"])
    assert client.ask("HEAD", path, headers={"If-None-Match": "*"}).status_code == 304
    assert client.get(path, headers={"If-None-Match": '"other"'}).get_json() == bob
    assert client.get(path, headers={"If-Match": '"other"'}).status_code == 412
    client.patch(path, RENAME)
    assert client.get(path, headers={"If-None-Match": bob["meta"]["version"]}).status_code == 200
    assert client.get("/Users/nobody", headers={"If-None-Match": "*"}).status_code == 404


def test_every_answer_with_a_resource_says_where_it_is_and_at_which_version(client, bob):
    path = f"/Users/{bob['id']}"
    for answer in (
        client.get(path),
        client.ask("HEAD", path),
        client.patch(path, RENAME),
        client.ask("PUT", path, {"userName": "bob"}),
        client.post("/Users", {"userName": "ann"}),
    ):
        assert answer.headers["Location"] == answer.headers["Content-Location"]
        assert answer.headers["ETag"].startswith('W/"')
        if answer.data:
            assert answer.get_json()["meta"]["location"] == answer.headers["Location"]
            assert answer.get_json()["meta"]["version"] == answer.headers["ETag"]
