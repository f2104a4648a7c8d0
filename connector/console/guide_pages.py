"""The guides as pages, with a search over all of them."""

from __future__ import annotations

from flask import Blueprint, Response, request

from connector.api.authentication import Access, demands
from connector.console import guide_text
from connector.console.guide_text import GROUPS, Guide
from connector.console.pages import page, shared
from connector.errors import NotFound

_QUESTION_MAX = 200


def blueprint() -> Blueprint:
    """The list, each guide, and their pictures."""
    blp = Blueprint("guides", __name__, template_folder="templates")

    @blp.get("/guide")
    @demands(Access.OPEN)
    def guides() -> Response:
        every = _every()
        question = request.args.get("q", "").strip()[:_QUESTION_MAX]
        found = guide_text.search(list(every.values()), question)
        return page("guides.html", groups=_groups(every), question=question, found=found)

    @blp.get("/guide/<name>")
    @demands(Access.OPEN)
    def guide(name: str) -> Response:
        if name in guide_text.PICTURES:
            return Response(guide_text.picture(name), mimetype="image/svg+xml")
        every = _every()
        if name not in every:
            raise NotFound("There is no guide of this name. Open /guide: it lists them all.")
        names = list(every)
        at = names.index(name)
        return page(
            "guide.html",
            guide=every[name],
            groups=_groups(every),
            before=every[names[at - 1]] if at else None,
            behind=every[names[at + 1]] if at + 1 < len(names) else None,
        )

    return blp


def _every() -> dict[str, Guide]:
    told = shared()
    return guide_text.guides("" if told["is_example"] else str(told["address"]), str(told["key"]))


def _groups(every: dict[str, Guide]) -> list[tuple[str, list[Guide]]]:
    return [(heading, [every[name] for name in names]) for heading, names in GROUPS]
