"""How numbers are written."""

from __future__ import annotations

import math
from typing import Any

import pytest

from fairsweep.report.text import numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.97256, "0.9726"),
        (1.0, "1.0000"),
        (0.0, "0.0000"),
        (-0.0, "0.0000"),
        (0.1 + 0.2, "0.3000"),
        (2.302585, "2.3026"),
        (123.456, "123.46"),
        (12345.6, "12,346"),
        (0.000123456, "0.000123"),
        (-0.5, "-0.5000"),
        (1e-17, "0.0000"),
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "–"),
    ],
)
def test_number(value: Any, text: Any) -> None:
    assert numbers.number(value) == text


def test_a_deviation_has_the_decimals_of_its_mean() -> None:
    assert numbers.spread(0.9794, 0.00021) == "0.9794 ± 0.0002"
    assert numbers.spread(0.00012345, 0.000012) == "0.000123 ± 0.000012"
    assert numbers.spread(0.9794, None) == "0.9794"


def test_differences_and_intervals_carry_signs() -> None:
    assert numbers.signed(0.0031, 0.97) == "+0.0031"
    assert numbers.signed(-0.00002, 0.97) == "0.0000"
    assert numbers.signed(None) == "–"
    assert numbers.interval((-0.0008, 0.0064), 0.97, sign=True) == "-0.0008 to +0.0064"
    assert numbers.interval(None, 0.97) == "–"


@pytest.mark.parametrize(
    ("value", "text", "given"),
    [
        (0.0, "0", "0"),
        (0.4321987, "0.4322", "0.4321987"),
        (0.04321987, "0.04322", "0.04321987"),
        (43.21987, "43.22", "43.21987"),
        (-4321.987, "-4,322", "-4,321.987"),
        (302.0, "302.0", "302"),
        (214900.51, "214,901", "214,900.51"),
        (5.32e14, "5.320e14", "5.32e14"),
        (2.13456e-5, "2.135e-5", "2.13456e-5"),
    ],
)
def test_what_has_a_unit_has_four_digits(value: float, text: str, given: str) -> None:
    assert numbers.with_unit(value) == numbers.number(value, of="val_mae") == text
    assert numbers.as_given(value) == given


def test_what_belongs_to_a_number_with_a_unit_ends_where_it_does() -> None:
    assert numbers.spread(43.2134, 1.8765, "val_mae") == "43.21 ± 1.88"
    assert numbers.spread(15599.3, 879.4, "test_rmse") == "15,599 ± 879"
    assert numbers.spread(2.12e-5, 1.3e-6, "mae") == "2.120e-5 ± 1.30e-6"
    assert numbers.interval((-2.31, 0.004), 43.2, "mae", sign=True) == "-2.31 to +0.00"
    assert numbers.number(-0.0003, 43.2, "mae") == "0.00"
    assert numbers.spread(43.1, 0.0, "mae") == "43.10 ± 0.00"
    assert numbers.spread(4.31e-5, 0.0, "mae") == "4.310e-5 ± 0"


def test_shares_of_variance_have_three_decimals() -> None:
    assert numbers.spread(0.48213, 0.02119, "val_r2") == "0.482 ± 0.021"
    assert numbers.signed(-0.01299, 0.48, "r2") == "-0.013"
    assert numbers.number(-12.34567, of="test_r2") == "-12.346"


@pytest.mark.parametrize(
    ("p", "text"), [(0.03123, "0.031"), (1.0, "1.000"), (0.0004, "< 0.001"), (None, "–")]
)
def test_p_value(p: Any, text: Any) -> None:
    assert numbers.p_value(p) == text


def test_p_value_in_a_sentence() -> None:
    assert numbers.p_value(0.03123, named=True) == "p = 0.031"
    assert numbers.p_value(0.0004, named=True) == "p < 0.001"


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("0.0013482934820934", "0.001348"),
        ("1e-05", "0.00001"),
        ("3.7828437265345925e-05", "0.00003783"),
        ("1.2345678e-09", "1.235e-09"),
        ("1e-07", "1e-07"),
        ("0.9", "0.9"),
        ("0.0", "0"),
        ("32", "32"),
        ("1797000", "1797000"),
        ("[64, 32]", "[64, 32]"),
        ("nan", "nan"),
        ("1e999", "1e999"),
        ("adam", "adam"),
        ("", ""),
    ],
)
def test_setting(text: Any, short: Any) -> None:
    assert numbers.setting(text) == short
