"""The catalog's words in the form that n8n's own linter asks for.

Source: https://docs.n8n.io/integrations/creating-nodes/build/reference/ux-guidelines/
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

_SENTENCE_ENDS = re.compile(r"[.!?](?= )")
_SPELLED = {"id": "ID", "ids": "IDs", "url": "URL", "json": "JSON"}


def description(text: str) -> str:
    """A help text: abbreviations in capitals, no full stop behind a sentence that stands alone."""
    spelled = re.sub(r"\b(?:ids?|url|json)\b", lambda match: _SPELLED[match[0]], text.strip())
    return spelled if _SENTENCE_ENDS.search(spelled) else spelled.rstrip(".")


def placeholder(example: str) -> str:
    """An example inside an empty field."""
    return f"e.g. {example}"


def subtitle(parameter: str, labels: Mapping[str, str]) -> str:
    """The line under a node's name: the label of what was chosen in `parameter`."""
    chosen = f"$parameter[{json.dumps(parameter)}]"
    return f"={{{{ ({json.dumps(labels, ensure_ascii=False)})[{chosen}] ?? {chosen} }}}}"


def sentence_case(label: str) -> str:
    """`Create Top-Up Link` gives `Create top-up link`; abbreviations stay as they are."""
    first, *others = label.split(" ")
    return " ".join([first, *(word if word.isupper() else word.lower() for word in others)])
