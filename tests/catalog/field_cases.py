"""Values that reached the connector although a tool had lost them, and values that only look so.

Each list is a kind; the comment says where it was seen.
"""

from __future__ import annotations

LOST_IN_A_TEMPLATE = [
    # n8n 2.40's expression engine: {{ $json.orderId }} and {{ 'order-' + $json.orderId }} without
    # the field; `order_${…}` in a Code node.
    "undefined",
    "order-undefined",
    "inv_undefined",
    "undefined-undefined",
    "order undefined",
    "order:undefined",
    "order#undefined",
    "order-undefined-3",
    "undefined-2026-11-25",
    "заказ-undefined",
    "注文-undefined",
    "(undefined)",
    "“undefined”",
    # JSON's null through the same engines, and PHP's and Java's string joins
    "null",
    "null-3",
    "order-null",
    "null/null",
    # Python in Zapier's and Make's code steps: f"signup-{row.get('id')}"
    "None",
    "signup-None",
    "signup-None-2",
    # JavaScript's Number("") and arithmetic on a missing field
    "NaN",
    "order-NaN",
]
LOST_AS_AN_OBJECT = [
    # an object or a list of objects where a field of it was meant (JavaScript's String())
    "[object Object]",
    "u-[object Object]",
    "[object Object],[object Object]",
    "order-[object Array]",
    "[object Undefined]",
    "{}",
    "order-{}",
]
LEFT_AS_A_PLACEHOLDER = [
    # OpenAPI clients and printed guides; Postman, shells and Make; HTML-like guides; LibreChat
    "order-{id}",
    "{user_id}",
    "{order.id}",
    "{items[0].id}",
    "${id}",
    "order-${ORDER_ID}",
    "${order:-}",
    "<id>",
    "<your user id>",
    "order-<order_id>",
]
LOST_IN_A_SHEET = [
    # Google Sheets and Excel put these into cells whose formula failed
    "#N/A",
    "order-#N/A",
    "#REF!",
    "#VALUE!",
    "#NAME?",
    "#DIV/0!",
    "#ERROR!",
]
LOST = [*LOST_IN_A_TEMPLATE, *LOST_AS_AN_OBJECT, *LEFT_AS_A_PLACEHOLDER, *LOST_IN_A_SHEET]
"""Refused as a reference and as a user id."""

LOST_REFERENCES = [
    # what people and forms write into an empty field
    "n/a",
    "N/A",
    "order-n/a",
    "order n/A",
    # a prefix whose number is missing: Zapier, n8n's {{ $json.id || '' }}, FlowXO
    "-",
    "--",
    "#",
    "_",
    "/",
    "signup-form-",
    "question-",
    "order_",
    "order #",
    "order#",
    "order # ",
    "Order-",
    "ORDER-",
    "invoice:",
    "order=",
    "order/",
    "order –",
    "order-2026-",
    "Rechnung Nr.",
    "заказ-",
    "Заказ №",
    "注文-",
    "Über-",
    " bot-a- ",
]
"""Refused as a reference only."""

FINE = [
    # real ids that hold one of the words, and names
    "undefined-behaviour-book-7",
    "nullable_9",
    "none-the-less-4",
    "nan-khai-12",
    "Nan-Khai",
    "welcome-alice",
    "Заказ-17",
    "заказ-17",
    "7",
    "2026-11-25",
    "none",
    "Null",
    "nan",
    "UNDEFINED-7b",
    "null0",
    "nonexistent",
    "order-Nonesuch",
    "canNaN4",
    # ids of services: nanoid (may end with - or _), Mongo, UUID, Microsoft's GUID in braces, ULID,
    # Stripe, Slack, e-mail's Message-ID
    "V1StGXR8_Z5jdHi6B-",
    "aBcdEfGh_ijKlmnOpQrst-",
    "4f90d13a42_",
    "507f1f77bcf86cd799439011",
    "{3F2504E0-4F89-11D3-9A0C-0305E82C3301}",
    "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "ch_3MmlLrLkdIwHu7ix0snN0B15",
    "1700000000.000100",
    "<CAF+abc123@mail.example.com>",
    "order (17)",
    "order [17]",
    "order #17",
    "order-1001.",
    "a-b-c",
    "हिन्दी",
    "注文17",
    "ann+shop",
]
"""Taken as they are, as a reference and as a user id."""

FINE_USERS = [
    # the surname Null; display names with an address; sign-ins of corporate directories
    "anna.null@example.com",
    "anna@undefined.example",
    "undefined@example.com",
    "o.none-None@example.com",
    "Anna <anna@example.com>",
    "CORP\\anna",
    "auth0|5f7c8ec7c33c6c004bbafe82",
    "user:7-",
    "-",
]
"""Taken as a user id."""
