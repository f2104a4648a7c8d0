"""Every field carries words for people: a label, a help sentence and an example that it takes."""

from __future__ import annotations

import sys
import unicodedata
from typing import Any

import pytest

from connector import actions as actions_folder
from connector import jsontext
from connector.catalog.actions import Action, Input, actions, fields_of
from connector.catalog.fields import Identifier, Text, Words
from tests.api.builder import check_sentence

actions_folder.load()
INPUTS = [(a.key, name, field) for a in actions() for name, field in fields_of(a.input).items()]
OUTPUTS = [(a.key, name, field) for a in actions() for name, field in fields_of(a.output).items()]


@pytest.mark.parametrize(("action", "name", "field"), INPUTS + OUTPUTS)
def test_every_field_has_a_label_a_sentence_and_an_example(
    action: str, name: str, field: Any
) -> None:
    assert isinstance(field, Words), (action, name)
    assert field.label[0].isupper()
    assert field.label == " ".join(word[0].upper() + word[1:] for word in field.label.split())
    # Zapier would rather have no “ID” without a list to choose from; the builder's own id of a user
    # is in no list, and has this name on every platform.
    assert not field.label.endswith(("ID", "Id")) or field.label == "User ID"
    assert field.help.endswith(".")
    assert field.help[0].isupper() or field.help[0].isdigit()
    assert len(field.help) <= 250
    assert field.example not in (None, "")


@pytest.mark.parametrize(("action", "name", "field"), INPUTS)
def test_every_example_is_accepted(action: str, name: str, field: Words) -> None:
    field.deserialize(jsontext.loads(jsontext.dumps(field.example)))


@pytest.mark.parametrize(("action", "name", "field"), INPUTS)
def test_every_required_field_says_what_to_fill_in(action: str, name: str, field: Words) -> None:
    for sentence in (field.error_messages["required"], field.error_messages["null"]):
        assert f"“{field.label}”" in sentence
        check_sentence(str(sentence))


@pytest.mark.parametrize("action", actions(), ids=lambda action: action.key)
def test_required_fields_come_first(action: Action) -> None:
    required = [field.required for field in fields_of(action.input).values()]
    assert required == sorted(required, reverse=True)


def test_exactly_one_of_is_held_by_the_schema() -> None:
    class Either(Input):
        one_of = ("left", "right")
        left = Words("Left", "This.", example="1")
        right = Words("Right", "That.", example="2")

    assert Either().validate({"left": "1"}) == {}
    sentence = "Fill in either “Left” or “Right”, and only one of them."
    assert Either().validate({}) == {"left": [sentence]}
    assert Either().validate({"left": "1", "right": "2"}) == {"left": [sentence]}


def test_what_cannot_be_seen_is_refused_letter_by_letter() -> None:
    prose, line = (
        Text("A", "B.", example="c", max_length=9),
        Identifier("A", "B.", example="c", max_length=9),
    )
    prose.lines = True
    for number in range(sys.maxunicode + 1):
        letter = chr(number)
        control = unicodedata.category(letter) in ("Cc", "Cs") and letter not in "\n\r\t"
        assert prose._holds_unseen(letter) is control, hex(number)
        assert line._holds_unseen(letter) is (not letter.isprintable() or letter == "\ufffd")
