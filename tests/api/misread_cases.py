"""Bodies and addresses that were read as something else than they are, or not at all.

Each list is a kind; the comment at a case says who sends it so.
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass, field

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


@dataclass(frozen=True)
class Sent:
    """A body as a tool sends it, what it is answered with, and words that the answer must have."""

    name: str
    body: bytes
    content_type: str
    status: int
    says: str
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


UNKNOWN = b'{"favourite colour": "blue"}'
"""Whoever reads this refuses the field by its name."""

READ_AS_JSON = [
    # curl -d '{…}' without -H: the manual's "POST data" section; Google Apps Script's
    # UrlFetchApp.fetch with a string as payload sends the same header
    Sent("curl -d", UNKNOWN, FORM, 422, "favourite colour"),
    # wget --post-data, and PHP's http context with the charset added
    Sent("wget", UNKNOWN, FORM + "; charset=UTF-8", 422, "favourite colour"),
    # a body typed over several lines in a tool's box
    Sent("pretty", b' \n{\n  "favourite colour": "blue"\n}\n', FORM, 422, "favourite colour"),
    # PowerShell 5's Out-File and Excel put a mark before UTF-8
    Sent("with a mark", b"\xef\xbb\xbf" + UNKNOWN, JSON, 422, "favourite colour"),
    Sent("a form's header and a mark", b"\xef\xbb\xbf" + UNKNOWN, FORM, 422, "colour"),
    # the JSON of vendors: RFC 6839
    Sent("a suffix", UNKNOWN, "application/vnd.shop.order+json", 422, "favourite colour"),
    # Apache HttpClient's StringEntity names Latin-1 by itself; plain letters are the same in both
    Sent("Latin-1 in name only", UNKNOWN, JSON + "; charset=ISO-8859-1", 422, "favourite colour"),
    # curl -d "{'user': 'ann'}": quotes that are not JSON's, and not a form either
    Sent("single quotes", b"{'user': 'ann'}", FORM, 400, "not valid JSON"),
    Sent("a comma too much", b'{"user": "ann",}', FORM, 400, "not valid JSON"),
    Sent("a list", b'[{"user": "ann"}]', FORM, 400, "one JSON object"),
    # a mapping that was filled in twice in a visual editor; most readers take the last
    Sent("twice", b'{"user": "ann", "user": "bob"}', JSON, 422, "“user” stands in the body more"),
    Sent("twice in a form", b'{"user":"ann","user":"bob"}', FORM, 422, "more than once"),
]
"""By the doors that take flat values."""

COMPRESSED = [
    # Node's got and Python's httpx with a compressing transport; proxies that "optimise"
    Sent("gzip", gzip.compress(UNKNOWN), JSON, 415, "(gzip)", {"Content-Encoding": "gzip"}),
    Sent("x-gzip", gzip.compress(UNKNOWN), FORM, 415, "(x-gzip)", {"Content-Encoding": "x-gzip"}),
    Sent("deflate", zlib.compress(UNKNOWN), JSON, 415, "deflate", {"Content-Encoding": "deflate"}),
    Sent("brotli", b"\x0b\x02\x80{}\x03", JSON, 415, "(br)", {"Content-Encoding": "br"}),
    Sent("two of them", b"\x00", JSON, 415, "gzip, br", {"Content-Encoding": "gzip, br"}),
    # curl --data-binary @order.json.gz, which names no encoding
    Sent("gzip, unsaid", gzip.compress(UNKNOWN), JSON, 415, "(gzip)"),
    Sent("gzip under a form's header", gzip.compress(UNKNOWN), FORM, 415, "(gzip)"),
    Sent("deflate, unsaid", zlib.compress(UNKNOWN), JSON, 415, "(deflate)"),
    Sent("zstd, unsaid", b"\x28\xb5\x2f\xfd\x04\x00", JSON, 415, "(zstd)"),
]

OTHER_TEXT = [
    # PHP's json_encode on a Latin-1 page, VBA's ServerXMLHTTP, old Java with the platform's charset
    Sent("latin-1", '{"user": "josé"}'.encode("latin-1"), JSON, 415, "Latin-1"),
    Sent("windows-1252", '{"user": "d’Arc"}'.encode("cp1252"), JSON, 415, "Windows-1252"),
    Sent(
        "latin-1, said",
        '{"user": "Zoë"}'.encode("latin-1"),
        JSON + "; charset=ISO-8859-1",
        415,
        "Latin-1 (ISO-8859-1)",
    ),
    Sent(
        "UTF-8 that is said to be Latin-1",
        '{"user": "Zoë"}'.encode(),
        JSON + "; charset=latin1",
        415,
        "Latin-1 (ISO-8859-1)",
    ),
    Sent(
        "shift-jis",
        '{"user": "山田"}'.encode("shift-jis"),
        JSON + '; charset="Shift_JIS"',
        415,
        "SHIFT_JIS",
    ),
    # PowerShell 5's `>` and SQL Server's FOR JSON
    Sent("UTF-16", '{"user": "ann"}'.encode("utf-16"), JSON, 415, "UTF-16"),
    Sent("UTF-16 without a mark", '{"user": "ann"}'.encode("utf-16-le"), JSON, 415, "UTF-16"),
    Sent("UTF-16, the other way", '{"user": "ann"}'.encode("utf-16-be"), FORM, 415, "UTF-16"),
    Sent("UTF-32", '{"user": "ann"}'.encode("utf-32"), JSON, 415, "UTF-32"),
    Sent("UTF-16, said only", b'{"user": "ann"}', JSON + "; charset=utf-16", 415, "UTF-16"),
    Sent("UTF-7", b'{"user": "+AOk-"}', JSON + "; charset=utf-7", 415, "UTF-7"),
    Sent("unheard of", b'{"user": "ann"}', JSON + "; charset=klingon", 415, "KLINGON"),
    # a form written by a Latin-1 page, without percent signs: werkzeug makes it an empty form
    Sent("a latin-1 form", "user=josé".encode("latin-1"), FORM, 415, "Latin-1"),
]

OTHER_KINDS = [
    # SOAP steps; files; fetch() in a browser with a string as body; tools with a free header box
    Sent("xml", b"<user>ann</user>", "application/xml", 415, "application/json"),
    Sent("bytes", b"\x01ann", "application/octet-stream", 415, "application/json"),
    Sent("csv", b"user\nann\n", "text/csv", 415, "application/json"),
    Sent("words", b"user is ann", "text/plain;charset=UTF-8", 415, "application/json"),
    Sent("yaml", b"user: ann", "application/yaml", 415, "application/json"),
    Sent("untyped", b"user: ann", "", 415, "application/json"),
    Sent("a batch", b"--x\r\n\r\nann\r\n--x--", "multipart/mixed; boundary=x", 415, "JSON"),
]

JSON_OF_ANOTHER_KIND = [
    Sent("plain", UNKNOWN, "text/plain", 415, "application/json"),
    Sent("untyped", UNKNOWN, "", 415, "application/json"),
    Sent("bytes", UNKNOWN, "application/octet-stream", 415, "application/json"),
]
"""Refused by the doors that take flat values; at the OpenAI address JSON is all that there is."""

BROKEN_FORMS = [
    # curl -d user_42, and a tool's raw body under a form's header
    Sent("a bare value", b"user_42", FORM, 400, "such as user=user_42"),
    Sent("a bare value among others", b"limit=5&user_42", FORM, 400, "such as user=user_42"),
    # encodeURIComponent of another age (escape), VBA's and PHP's on Latin-1 text
    Sent("percent-encoded latin-1", b"user=jos%E9", FORM, 400, "%C3%A9"),
    Sent("in a name", b"us%E9r=ann", FORM, 400, "%C3%A9"),
    Sent("too many", b"&".join(b"a%d=1" % n for n in range(1_001)), FORM, 400, "too many fields"),
    # fetch with FormData and a hand-written Content-Type: the boundary is missing
    Sent(
        "no boundary",
        b'--x\r\nContent-Disposition: form-data; name="user"\r\n\r\nann\r\n--x--\r\n',
        "multipart/form-data",
        400,
        "boundary",
    ),
    # a copied header with another request's boundary
    Sent(
        "another boundary",
        b'--x\r\nContent-Disposition: form-data; name="user"\r\n\r\nann\r\n--x--\r\n',
        "multipart/form-data; boundary=yesterday",
        400,
        "boundary",
    ),
    # JSON under multipart: Postman's form-data tab with a raw body pasted
    Sent("JSON", b'{"user": "ann"}', "multipart/form-data; boundary=x", 400, "boundary"),
    # a browser's form on a Latin-1 page
    Sent(
        "a latin-1 part",
        'Content-Disposition: form-data; name="user"\r\n\r\njosé\r\n--x--\r\n'.join(
            ["--x\r\n", ""]
        ).encode("latin-1"),
        "multipart/form-data; boundary=x",
        415,
        "Latin-1",
    ),
]

ADDRESSES = [
    # escape() and Latin-1 tools; typed into a browser of another age; a bare value; too many
    ("user=jos%E9", 400, "%C3%A9"),
    ("user=jos%e9&limit=5", 400, "%C3%A9"),
    ("us%E9r=ann", 400, "%C3%A9"),
    ("user=%FF%FEa", 400, "%C3%A9"),
    ("user_42", 400, "such as user=user_42"),
    ("limit=5&user_42", 400, "such as user=user_42"),
    ("&".join(f"a{n}=1" for n in range(1_001)), 400, "too many fields"),
]
"""Query strings."""

LOST_PLUS = [
    # an address put together by hand in a tool; a plus sign means a space there
    "ann+shop@example.com",
    "ann+a+b@mail.example.org",
    # phone numbers of chat platforms (E.164)
    "+4917012345678",
    "+1 (555) 010-9999",
]
NO_LOST_PLUS = ["Ann Lee", "Ann Lee (ann@home)", "a b@c", "5 a", "42"]
"""Ids with spaces that nobody lost a plus sign in."""

SLASHES = [
    # a base address that ends with a slash, and a path that begins with one
    "/v1//{}",
    "//v1/{}",
    "///v1///{}",
    "/v1/{}/",
    "/v1/{}//",
    "//v1//{}//",
]
METRICS_BY_ANOTHER_NAME = [
    # spellings that get past a proxy's rule for exactly /metrics
    "/metrics/",
    "//metrics",
    "/metrics//",
    "///metrics/",
    "/%6Detrics",
    "/%2Fmetrics",
    "/metrics%2F",
]
