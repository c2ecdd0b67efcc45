import pytest

from ecmahost_core.sync.mapping.dn import dn_of


@pytest.mark.parametrize(
    ("anchor", "expected"),
    [
        (("bob",), "CN=bob,OBJECT=Employees"),
        ((7,), "CN=7,OBJECT=Employees"),
        (('Ross, Bob+=\\"<>;',), 'CN=Ross\\, Bob\\+\\=\\\\\\"\\<\\>\\;,OBJECT=Employees'),
        ((" x ",), "CN=\\ x\\ ,OBJECT=Employees"),
        (("#1",), "CN=\\#1,OBJECT=Employees"),
        ((" ",), "CN=\\ ,OBJECT=Employees"),
        (("a\x00b",), "CN=a\\00b,OBJECT=Employees"),
        (("a\\ ",), "CN=a\\\\\\ ,OBJECT=Employees"),
        (("bob", 1), 'CN=[\\"bob\\"\\,\\"1\\"],OBJECT=Employees'),
    ],
)
def test_a_generated_name_is_escaped_as_rfc_4514_says(desk, anchor, expected):
    assert dn_of(desk.build(dn=True).binding, anchor) == expected


def test_there_is_none_before_the_anchor_is_known_or_where_none_is_generated(desk):
    assert dn_of(desk.build(dn=True).binding, ()) is None
    assert dn_of(desk.build(dn=False).binding, ("bob",)) is None
