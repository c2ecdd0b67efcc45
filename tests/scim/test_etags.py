import pytest

from ecmahost_core.scim.errors import ScimError
from ecmahost_core.scim.etags import is_known, names, require_writable

VERSION = 'W/"a1b2-7"'


@pytest.mark.parametrize(
    "header", [VERSION, '"a1b2-7"', "a1b2-7", "W/a1b2-7", 'w/"a1b2-7"', "*", " * ", f'"x", {VERSION}', '"x","a1b2-7"']
)
def test_a_header_names_a_version_weakly_in_a_list_or_by_a_star(header: str) -> None:
    assert names(header, VERSION)


@pytest.mark.parametrize("header", ["", '""', '"a1b2-8"', '"x", "y"', 'W/"a1b2-70"', "a1b2", "**", ",", '"*"'])
def test_any_other_header_does_not(header: str) -> None:
    assert not names(header, VERSION)


def test_a_write_needs_the_version_that_it_names() -> None:
    require_writable(VERSION, None, None)
    require_writable(VERSION, VERSION, '"other"')
    for if_match, if_none_match in (('"other"', None), ("", None), (None, "*"), (None, VERSION)):
        with pytest.raises(ScimError) as caught:
            require_writable(VERSION, if_match, if_none_match)
        assert (caught.value.status, caught.value.scim_type) == (412, None)


def test_a_reader_who_has_the_version_need_not_be_told_again() -> None:
    assert is_known(VERSION, None, VERSION)
    assert is_known(VERSION, VERSION, "*")
    assert not is_known(VERSION, None, None)
    assert not is_known(VERSION, None, '"other"')
    with pytest.raises(ScimError) as caught:
        is_known(VERSION, '"other"', VERSION)
    assert caught.value.status == 412
