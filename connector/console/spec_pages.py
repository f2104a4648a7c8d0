"""`/specs`: what to bring into Zapier, n8n and FlowXO, made for this connector's public address.

Open to everybody, as `/openapi.json` is: there is nothing in it that the source does not show.
The address is the operator's setting, never the Host header. Everything is made once per process,
when it is first asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any

from flask import Blueprint, Response, request
from markdown_it import MarkdownIt

from connector import jsontext
from connector.api.authentication import Access, demands
from connector.api.services import services
from connector.console.pages import JSON, address, page, shared, wants_page
from connector.errors import NotFound
from connector.specs import flowxo
from connector.specs.downloads import Download, downloads
from connector.specs.flowxo.page import DOING, conditions


@dataclass(frozen=True)
class _Made:
    """A download with its content."""

    about: Download
    content: bytes
    tag: str


def blueprint() -> Blueprint:
    """The list, its files, and the FlowXO steps as a page to copy from."""
    blp = Blueprint("specs", __name__, template_folder="templates")
    making = Lock()

    @cache
    def all_of(address: str) -> dict[str, _Made]:
        made = {}
        for about in downloads(address):
            content = about.build()
            made[about.name] = _Made(about, content, hashlib.sha256(content).hexdigest()[:32])
        return made

    @cache
    def steps(address: str, key: str) -> Any:
        told = jsontext.dumps(flowxo.described(address)).replace(flowxo.KEY.encode(), key.encode())
        return jsontext.loads(told)

    def offered() -> dict[str, _Made]:
        with making:
            return all_of(_address())

    @blp.get("/specs")
    @demands(Access.OPEN)
    def specs() -> Response:
        """A page for browsers, JSON for everything else."""
        if wants_page(request):
            files = [made.about for made in offered().values()]
            response = page("specs.html", files=files, workflows=_workflows(files))
        else:
            response = _cached(jsontext.dumps(_listed(offered())), JSON)
        response.vary.add("Accept")
        return response

    @blp.get("/specs/flowxo")
    @demands(Access.OPEN)
    def flowxo_page() -> Response:
        """Every step of FlowXO, to copy from."""
        with making:
            guide = steps(_address(), str(shared()["key"]))
        return page("specs_flowxo.html", guide=guide, doing=DOING, conditions=conditions)

    @blp.get("/specs/<path:name>")
    @demands(Access.OPEN)
    def spec(name: str) -> Response:
        """One file."""
        download = offered().get(name)
        if download is None:
            raise NotFound(
                "There is no file of this name. Open /specs: it lists all files there are."
            )
        response = _cached(download.content, download.about.mimetype, download.tag)
        if download.about.saved_as:
            saved = f'attachment; filename="{download.about.saved_as}"'
            response.headers["Content-Disposition"] = saved
        return response

    return blp


def _address() -> str:
    return address(services().settings)


@dataclass(frozen=True)
class _Workflow:
    """A workflow in its two forms: with our nodes, and with n8n's own."""

    label: str
    about: str
    node: Download
    http: Download


def _workflows(files: Sequence[Download]) -> list[_Workflow]:
    by_name = {file.name: file for file in files if file.about}
    return [
        _Workflow(
            file.label.removeprefix("Workflow: "),
            MarkdownIt("commonmark", {"html": False}).renderInline(file.about),
            file,
            by_name[file.name.replace(".json", "-http.json")],
        )
        for file in by_name.values()
        if not file.twin
    ]


def _listed(made: dict[str, _Made]) -> dict[str, object]:
    example = services().settings.public_url is None
    return {
        "address": _address(),
        "address_is_example": example,
        "message": (
            "This connector does not know its public address, so an example stands in the files. "
            "Set CONNECTOR_PUBLIC_URL to its https address and start it again."
            if example
            else "The public address of this connector is filled in."
        ),
        "files": [
            {
                "name": name,
                "platform": one.about.platform,
                "label": one.about.label,
                "what": one.about.what,
                "path": f"/specs/{name}",
                "url": f"{_address()}/specs/{name}",
                "type": one.about.mimetype,
                "bytes": len(one.content),
            }
            for name, one in made.items()
        ],
    }


def _cached(body: bytes, content_type: str, tag: str = "") -> Response:
    """An answer that may be kept, if it is asked each time whether it is still current."""
    response = Response(body, content_type=content_type)
    response.set_etag(tag or hashlib.sha256(body).hexdigest()[:32])
    response.headers["Cache-Control"] = "no-cache"
    response.make_conditional(request)
    return response
