import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecmahost_core.text import composed, fold

ASCII_OR_NOT = st.text() | st.text(st.characters(max_codepoint=0x250))


@given(ASCII_OR_NOT)
def test_folding_twice_is_folding_once(text):
    assert fold(fold(text)) == fold(text)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_composed_and_decomposed_texts_are_one_name(text):
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text)) == fold(text)


@given(ASCII_OR_NOT, st.text(" \t\r\n\x0b\x0c\u00a0\u2003\u3000"))
def test_blanks_at_the_end_do_not_count(text, blanks):
    assert fold(text + blanks) == fold(text)


@given(st.text(st.characters(max_codepoint=0x24F)))
def test_case_does_not_count_in_latin_letters(text):
    plain = text.replace("\u0131", "i").replace("\u0130", "I")  # the Turkish letters have a test of their own
    assert fold(plain.upper()) == fold(plain.lower()) == fold(plain)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Bob ", "bOB"),
        ("STRASSE", "straße"),
        ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
        ("ΟΔΥΣΣΕΥΣ", "οδυσσευσ"),
        ("İ", "i\u0307"),
        ("\u212a", "k"),
        ("Ångström", "A\u030angstro\u0308m"),
        ("ŞAHİN", "s\u0327ahi\u0307n"),
        ("\u017f", "S"),
        ("\u0390", "\u0399\u0308\u0301"),  # whose case folding is decomposed in one of the two only
        ("", " \t"),
    ],
)
def test_these_are_one_name(left, right):
    assert fold(left) == fold(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("\u0131", "i"),
        ("İ", "I"),
        ("muller", "müller"),
        (" bob", "bob"),
        ("b ob", "bob"),
        ("bob", "bob1"),
        ("ﬁ", "f i"),
    ],
)
def test_these_are_two(left, right):
    assert fold(left) != fold(right)


@pytest.mark.parametrize("text", ["\ud800", "a\udfff ", "\ud800\udc00", "\x00", "\U0010ffff"])
def test_no_text_is_too_broken_to_be_folded(text):
    assert isinstance(fold(text), str)
    assert fold(text + " ") == fold(text)


def test_the_fold_does_not_depend_on_whether_a_text_is_ascii():
    for code in range(128):
        one = chr(code)
        expected = unicodedata.normalize("NFC", unicodedata.normalize("NFC", one).casefold()).rstrip()
        assert fold(one) == expected
        assert fold(f"x{one}ä")[1:-1] == (one.lower())


MARKS = st.text(
    st.sampled_from("a\u00e9\u01d5\u0130\u0301\u0316\u0308\u0344\u0345\u0f73\u0f71\uac01\u11a8\u3099"), max_size=60
)


@given(MARKS)
def test_a_long_text_is_folded_as_its_parts_are(text):
    # Where a letter stands between them, texts do not influence each other, however they are folded.
    assert composed("x" * 600 + text) == unicodedata.normalize("NFC", "x" * 600 + text)
    assert fold("x" * 600 + f"|{text}y") == "x" * 600 + fold(f"|{text}y")


@pytest.mark.parametrize("marks", ["\u0301\u0316", "\u0345\u0300\u0316", "\u0f73", "\u0344\u0316"])
def test_a_letter_with_very_many_marks_is_folded_quickly(marks):
    began = time.monotonic()
    composed("a" + marks * 100_000)
    fold("a" + marks * 100_000)  # the exchanging of neighbours would take minutes
    assert time.monotonic() - began < 5
