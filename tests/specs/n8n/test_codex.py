"""Where n8n's panel files our nodes: what its editor would hide is refused when it is made."""

from __future__ import annotations

import json

import pytest

from connector.specs.n8n import other_nodes, package_files

CODEX = {
    name: json.loads(text)
    for name, text in package_files("https://connector.example.com").items()
    if name.endswith(".node.json")
}


@pytest.mark.parametrize("name", CODEX)
def test_a_node_in_a_category_of_subcategories_names_one(name: str) -> None:
    """n8n's editor drops a node of the category AI that names no subcategory of AI."""
    codex = CODEX[name]
    assert "AI" not in codex["categories"] or codex["subcategories"]["AI"]
    assert {"billing", "charge", "credits"} <= set(codex["alias"])


def test_the_four_nodes_have_one_each() -> None:
    assert len(CODEX) == 4


def test_a_codex_that_would_hide_its_node_is_not_made() -> None:
    with pytest.raises(ValueError, match="hide"):
        other_nodes.codex("anything", "AI", "https://docs.example")
