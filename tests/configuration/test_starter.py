"""The files to fill in, and the change of a token in one that somebody has filled in."""

import tomllib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest

from ecmahost_core.configuration.home import Home
from ecmahost_core.configuration.load import LoadedConnectors
from ecmahost_core.configuration.model import Profile, TokenHash
from ecmahost_core.configuration.starter import starter_file
from ecmahost_core.configuration.token_rotation import NotEdited, usable_tokens, with_token
from ecmahost_core.ecma.parameters import ConfigParameterDefinition, ConfigParameterType

INSTANCE = "6e0c1f7e-3c1c-4b7e-9d52-2f1f6f5d9a10"
OLD, NEW = "hmac:" + "0" * 64, "hmac:" + "1" * 64
NOW = datetime(2026, 5, 1, tzinfo=UTC)


def test_a_starter_asks_only_for_what_somebody_has_to_fill_in(
    home: Home, load: Callable[[], LoadedConnectors], definitions: Sequence[ConfigParameterDefinition]
) -> None:
    text = starter_file("hr", "demo", INSTANCE, OLD, definitions)
    home.connector_file("hr").write_text(text)
    assert [f"{problem.table}.{problem.key}" for problem in load().problems] == [
        "connectivity.server",
        "connectivity.password",
        "object_types.User.target",
        "object_types.User.anchor",
        "object_types.User.query_attributes[1]",
    ]


def test_a_starter_that_is_filled_in_is_good_also_with_every_comment_turned_on(
    home: Home, load: Callable[[], LoadedConnectors], definitions: Sequence[ConfigParameterDefinition]
) -> None:
    text = starter_file("hr", "demo", INSTANCE, OLD, definitions)
    text = text.replace('server = ""', 'server = "x"').replace('# binding = "basic"', 'binding = "anonymous"')
    text = text.replace('target = ""', 'target = "T"').replace('anchor = ""', 'anchor = "A"')
    text = text.replace('[""]', '["Login"]')
    home.connector_file("hr").write_text(text)
    loaded = load()
    assert loaded.problems == ()
    assert loaded.configurations[0].profile_of("User") is Profile.ECMA
    text = text.replace("# [schema_mapping.User]", "[schema_mapping.User]")
    optional = [line for line in text.splitlines() if line.startswith("# ") and " = " in line and "{ env" not in line]
    settings = [line for line in optional if tomllib_reads(line[2:])]
    assert len(settings) >= 10
    for line in settings:
        if not line.startswith(("# password", "#     ")):
            text = text.replace(line, line[2:])
    home.connector_file("hr").write_text(text)
    loaded = load()
    assert loaded.problems == ()
    assert loaded.configurations[0].profile_of("User") is Profile.SCIM


def tomllib_reads(line: str) -> bool:
    try:
        tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return False
    return True


def test_no_line_of_a_starter_is_too_long_to_read(definitions: Sequence[ConfigParameterDefinition]) -> None:
    wordy = ConfigParameterDefinition("x", "X", help="words of help " * 30)
    lines = starter_file("hr", "demo", INSTANCE, OLD, (*definitions, wordy)).splitlines()
    assert max(len(line) for line in lines if line.startswith("#")) <= 110


def test_help_texts_of_a_plugin_cannot_leave_their_comment(home: Home, load: Callable[[], LoadedConnectors]) -> None:
    nasty = ConfigParameterDefinition(
        "x",
        "Two\nlines\r[export]",
        ConfigParameterType.DROP_DOWN,
        help="a\u2028b\n[properties]\x1b[31m",
        choices=('"', "\n"),
        default='"\n',
        required=True,
    )
    document = tomllib.loads(starter_file("hr", 'a"b', INSTANCE, OLD, (nasty,)))
    assert document["connectivity"] == {"x": '"\n'}
    assert document["properties"]["type"] == 'a"b'


FILE = f"""\
# the head
[properties] # a comment on a table
instance = "{INSTANCE}"   # keep me
secret_tokens = [
    "{OLD}",   # of the portal
] # the end
type = 'demo'

# below
[connectivity]
server    =   "x"
"""


def test_a_new_token_changes_the_tokens_and_not_one_other_character() -> None:
    edited = with_token(FILE, NEW, None)
    assert tomllib.loads(edited)["properties"]["secret_tokens"] == [NEW]
    head, tail = FILE.partition("secret_tokens")[0], FILE.partition("type")[2]
    assert edited.startswith(head)
    assert edited.endswith(tail)


def test_the_old_token_stays_with_its_expiry() -> None:
    edited = with_token(FILE, NEW, TokenHash("0" * 64, NOW))
    assert tomllib.loads(edited)["properties"]["secret_tokens"] == [NEW, {"hash": OLD, "expires": NOW}]


def test_windows_line_ends_stay_as_they_are() -> None:
    edited = with_token(FILE.replace("\n", "\r\n"), NEW, None)
    assert edited.count("\n") == edited.count("\r\n")


@pytest.mark.parametrize(
    "text",
    [
        f'properties.instance = "{INSTANCE}"\nproperties.type = "demo"\n',
        f'properties = {{ instance = "{INSTANCE}" }}\n',
        "[properties]\n[other]\n[properties.deletion_threshold]\npercent = 1\n",
        "[properties]",
        "[properties]\ntype = 'x' # no line end",
    ],
)
def test_a_file_without_tokens_gets_them_however_its_table_is_written(text: str) -> None:
    before = tomllib.loads(text)
    after = tomllib.loads(with_token(text, NEW, None))
    assert after.pop("properties") == before.pop("properties") | {"secret_tokens": [NEW]}
    assert after == before


@pytest.mark.parametrize("text", ["", "properties = 5", "[[properties]]", "[connectivity]\nx = 1\n"])
def test_a_file_that_cannot_be_edited_is_left_to_its_owner_with_the_line_to_write(text: str) -> None:
    with pytest.raises(NotEdited, match=rf'secret_tokens = \["{NEW}"\]'):
        with_token(text, NEW, None)


def test_only_tokens_that_are_good_and_not_expired_count() -> None:
    later = datetime(2026, 6, 1, tzinfo=UTC)
    document = {
        "properties": {
            "secret_tokens": ["plain", 5, {"hash": OLD, "expires": NOW}, {"hash": OLD, "expires": later}, NEW]
        }
    }
    assert usable_tokens(document, NOW) == (TokenHash("0" * 64, later), TokenHash("1" * 64))
    assert usable_tokens({}, NOW) == usable_tokens({"properties": 5}, NOW) == ()
