"""Stripe's whole numbers as sums of money, in the JavaScript that n8n and FlowXO run.

Stripe counts in a currency's smallest unit: 1250 is 12.50 in dollars, 1250 in yen and 1.250 in
Kuwaiti dinars. Source: https://docs.stripe.com/currencies. Its page names the Ugandan shilling
both among those without decimals and among those that are sent with two; it is read with two here,
because that can give too little, which can be made good, but never a hundred times too much.
"""

from __future__ import annotations

NO_DECIMALS = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
THREE_DECIMALS = "bhd jod kwd omr tnd"


def in_money(amount: str, currency: str) -> str:
    """The JavaScript that makes a sum such as `12.50` of two expressions: Stripe's number, and its
    code of the currency in small letters."""
    return (
        f"((decimals) => ({amount} / Math.pow(10, decimals)).toFixed(decimals))"
        f"('{NO_DECIMALS}'.includes({currency}) ? 0 : '{THREE_DECIMALS}'.includes({currency}) ? 3 "
        ": 2)"
    )
