"""Text is escaped wherever it is put; only markup stands as it is."""

import pytest

from mer.report.markup import Markup, breakable, element, joined, shortened


def test_children_and_attributes_are_escaped() -> None:
    made = element("td", "<b>", element("i", "&"), title="\"'><x", data_value=1.5, hidden=True, open=False)
    assert made == '<td title="&quot;&#x27;&gt;&lt;x" data-value="1.5" hidden>&lt;b&gt;<i>&amp;</i></td>'
    assert isinstance(made, Markup)


def test_joined_text_is_escaped_and_markup_is_not() -> None:
    assert joined(["<", Markup("<b>"), ">"]) == "&lt;<b>&gt;"


def test_text_made_of_markup_is_text_again() -> None:
    assert joined([Markup("<b>") + "<i>"]) == "&lt;b&gt;&lt;i&gt;"


def test_lines_may_end_after_signs_and_the_text_stays() -> None:
    assert breakable("a=1,<b>/c") == "a=<wbr>1,<wbr>&lt;b&gt;/<wbr>c"


@pytest.mark.parametrize(("text", "expected"), [("abcd", "abcd"), ("abcde", "abc…"), ("", "")])
def test_long_text_ends_in_an_ellipsis(text: str, expected: str) -> None:
    assert shortened(text, 4) == expected
