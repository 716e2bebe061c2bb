import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedlab.eval.html.text import exact, number, rounded, script_json, shown


def test_plain_text_is_shown_as_it_is():
    assert shown("ta01, größer 多") == "ta01, größer 多"


@pytest.mark.parametrize("hidden", ["\u202e", "\u2066", "\u200b", "\x00", "\x1b", "\n", "\u2028", "\ud800", "\xa0"])
def test_invisible_characters_are_written_out(hidden):
    assert shown(f"a{hidden}b") == f"a\\u{ord(hidden):04x}b"


def test_long_text_loses_its_middle():
    text = shown("a" * 500 + "b" * 500)
    assert len(text) == 200
    assert text.startswith("aaa")
    assert text.endswith("bbb")


@given(st.text())
def test_nothing_that_is_shown_is_invisible(text):
    assert shown(text).isprintable()


@given(
    st.recursive(
        st.none() | st.booleans() | st.text() | st.integers(),
        lambda part: st.lists(part) | st.dictionaries(st.text(), part),
    )
)
def test_script_json_is_json_that_no_html_parser_acts_on(data):
    text = str(script_json(data))
    assert json.loads(text) == data
    assert not set(text) & set("<>&\u2028\u2029")


def test_numbers_that_are_none_are_left_out():
    assert [number(value) for value in (1, 2.5, True, "3", None, float("nan"), 10**400)] == [1, 2.5, *[None] * 5]


def test_numbers_are_short_and_whole_ones_integers():
    assert repr(rounded(1231.0)) == "1231"
    assert rounded(0.123456789) == 0.123457
    assert exact(62.1067) == 62.1067
    assert rounded(None) is None
