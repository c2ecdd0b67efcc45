"""What PostgreSQL cannot hold is written in other words, and nothing is lost by that."""

from hypothesis import given
from hypothesis import strategies as st

from ecmahost_core.space.postgresql.texts import escaped, unescaped

TEXTS = st.text(st.sampled_from("\0\1\2\3a"), max_size=12) | st.text()


@given(TEXTS)
def test_what_is_read_is_what_was_written(text: str) -> None:
    assert "\0" not in escaped(text)
    assert unescaped(escaped(text)) == text


@given(TEXTS, TEXTS)
def test_texts_sort_as_before(one: str, other: str) -> None:
    assert (escaped(one) < escaped(other)) == (one < other)
