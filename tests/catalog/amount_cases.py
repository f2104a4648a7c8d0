"""Amounts as people and tools write them, with the same sum in plain digits."""

from __future__ import annotations

SAME_SUM = [
    # German, Italian, Spanish, Brazilian forms and sheets
    ("1.355,90", "1355.90"),
    ("1.355.000,90", "1355000.90"),
    ("1.355,90 €", "1355.90"),
    ("R$ 1.355,90", "1355.90"),
    # Swiss, with the typewriter's and the printer's apostrophe
    ("1'355,90", "1355.90"),
    ("1'355.90", "1355.90"),
    ("1’355.90", "1355.90"),
    ("CHF 1'355.90", "1355.90"),
    ("1'000", "1000"),
    # French, Polish, Swedish: a space, also one that does not break (Intl.NumberFormat)
    ("1 355,90", "1355.90"),
    ("1\u00a0355,90 zł", "1355.90"),
    ("1\u202f355,90", "1355.90"),
    ("1 000", "1000"),
    # English, and India's lakhs
    ("1,355.90", "1355.90"),
    ("$1,355.90", "1355.90"),
    ("1,00,000.50", "100000.50"),
    ("₹1,00,000.50", "100000.50"),
    ("1.234.567", "1234567"),
    # programmers
    ("1_000", "1000"),
    ("1e3", "1000"),
    # currencies
    ("$5", "5"),
    ("US$5", "5"),
    ("5 USD", "5"),
    ("5€", "5"),
    ("5 kr", "5"),
    ("Fr. 5", "5"),
]
"""What may be written instead is this and nothing else."""

MAYBE_A_LIST = [
    # Zapier joins line items with a comma; so does JavaScript's String([5, 10])
    ("5,10", {"5.10"}),
    ("1,50", {"1.50"}),
    ("1,355", {"1355", "1.355"}),
    ("1,355,000", {"1355000"}),
]
"""One amount or several: what may be named, besides that a list is sent one by one."""

NO_NUMBER = [
    # lists
    "5,10,20",
    "5.00,10.00",
    "5.5,10",
    "5, 10",
    "5;10",
    "5|10",
    "5 10",
    # other sums
    "5 Mio",
    "50 ct",
    "5 cents",
    "5k",
    "5M",
    "5%",
    "¢50",
    # refunds in accounting
    "-5",
    "−5",
    "(5.00)",
    # cut off, or mistyped
    "5,",
    "1.",
    "1.355.90",
    "1.5,5.5",
    "1,,5",
    "12:50",
    "0,0000001",
]
"""No number may be named."""
