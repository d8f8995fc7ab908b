"""What a published model says that it takes, and what is read of it."""

from __future__ import annotations

import pytest

from fairsweep.data.dataset import Column
from fairsweep.data.inputs.rows import ANY_WORD, InputSpec
from fairsweep.data.several import Input
from fairsweep.tasks import CLASSES, LABELS
from fairsweep.tracking.registry import signature, takes_of

TABLE = (Column("age"), Column("city", ("Oslo", "Rome")), Column("about", ("a",), length=5))


@pytest.mark.parametrize("missing", [False, True])
def test_a_table_is_taken_by_the_names_of_its_columns(missing: bool) -> None:
    made = signature(InputSpec((3,), TABLE, missing), CLASSES.columns(["no", "yes"]))
    columns = (Column("age"), Column("city", ANY_WORD), Column("about", ANY_WORD, length=1))
    assert takes_of(made, ["city", "about"], ["about"]) == InputSpec((3,), columns, missing)
    assert made.outputs.input_names() == ["class", "p_no", "p_yes"]
    assert made.inputs.required_input_names() == ([] if missing else ["age", "city"])


def test_gaps_in_words_alone_are_taken_or_not() -> None:
    words = (Column("city", ("Oslo", "Rome")),)
    for missing in (False, True):
        made = signature(InputSpec((1,), words, missing), {})
        assert takes_of(made, ["city"]).missing is missing


def test_labels_stand_where_a_class_would() -> None:
    made = signature(InputSpec((3,), TABLE), LABELS.columns(["red", "round"]))
    assert made.outputs.input_names() == ["labels", "p_red", "p_round"]


def test_arrays_are_taken_by_their_shape() -> None:
    assert takes_of(signature(InputSpec((8, 8, 1)), CLASSES.columns(["a", "b"]))) == InputSpec(
        (8, 8, 1)
    )


def test_sequences_are_filled_up_as_in_training() -> None:
    made = signature(InputSpec((5, 2), missing=True, padding="nan"), {})
    assert takes_of(made, missing=True, padding="nan").padding == "nan"
    assert takes_of(made, missing=True).padding == "nan"  # of an earlier version
    assert takes_of(made, padding="-1").padding == "-1"
    assert takes_of(made).padding is None


def test_several_inputs_are_taken_by_their_names() -> None:
    inputs = (Input("numbers", (3,), "float32"), Input("ids", (4, 2), "int32"))
    takes = InputSpec((), inputs=inputs)
    assert takes_of(signature(takes, CLASSES.columns(["a", "b"]))) == takes
