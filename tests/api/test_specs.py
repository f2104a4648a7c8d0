"""`/specs`: files for each tool, with the public address filled in, for everybody."""

from __future__ import annotations

import io
import json
import re
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

import connector
from connector.specs.downloads import downloads
from connector.specs.example import EXAMPLE_ADDRESS
from tests.api.builder import running_facade

PUBLIC_URL = "https://pay.acme.example"
NAMES = [download.name for download in downloads(EXAMPLE_ADDRESS)]
PAGES = ["/specs", "/specs/flowxo"]
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
WRONG_HOST = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """Somebody without a key, at a connector that knows its public address."""
    with running_facade(tmp_path_factory.mktemp("specs"), public_url=PUBLIC_URL) as running:
        yield running.app.test_client()


@pytest.fixture
def hidden(tmp_path: Path) -> Iterator[FlaskClient]:
    """The same at a connector that does not."""
    with running_facade(tmp_path) as running:
        yield running.app.test_client()


def listed(client: FlaskClient) -> dict[str, Any]:
    """The list as a tool gets it."""
    answer = client.get("/specs")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    result: dict[str, Any] = answer.get_json()
    return result


def text_of(name: str, content: bytes) -> str:
    """The text of a file; of an archive, of the part of it that holds the address."""
    if name == "zapier.zip":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.read("paywalls-zapier/README.md").decode()
    if name == "n8n.tgz":
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            part = archive.extractfile("package/dist/credentials/connector.json")
            assert part is not None
            return part.read().decode()
    return content.decode()


def test_the_list_names_every_file_at_the_public_address(client: FlaskClient) -> None:
    result = listed(client)
    assert (result["address"], result["address_is_example"]) == (PUBLIC_URL, False)
    assert [file["name"] for file in result["files"]] == NAMES
    for file in result["files"]:
        assert file["url"] == f"{PUBLIC_URL}{file['path']}"
        assert all(file[field] for field in ("platform", "label", "what", "type"))
        answer = client.get(file["path"])
        assert (answer.status_code, answer.mimetype) == (200, file["type"])
        assert len(answer.data) == file["bytes"]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_has_the_public_address_filled_in(client: FlaskClient, name: str) -> None:
    content = text_of(name, client.get(f"/specs/{name}", headers=WRONG_HOST).data)
    uses_nodes = name.startswith("n8n-workflows/") and not name.endswith("-http.json")
    assert (PUBLIC_URL in content) is not uses_nodes  # the nodes' credential holds it instead
    assert EXAMPLE_ADDRESS not in content
    assert "evil.example" not in content


def test_without_a_public_address_it_says_what_to_set(hidden: FlaskClient) -> None:
    result = listed(hidden)
    assert (result["address"], result["address_is_example"]) == (EXAMPLE_ADDRESS, True)
    assert "CONNECTOR_PUBLIC_URL" in result["message"]
    for page in PAGES:
        text = hidden.get(page, headers=BROWSER | WRONG_HOST).text
        assert "CONNECTOR_PUBLIC_URL" in text
        assert EXAMPLE_ADDRESS in text
        assert "evil.example" not in text


def test_a_browser_gets_a_page_whose_links_all_lead_somewhere(client: FlaskClient) -> None:
    for page in PAGES:
        answer = client.get(page, headers=BROWSER)
        assert answer.mimetype == "text/html"
        assert "CONNECTOR_PUBLIC_URL" not in answer.text
        anchors = set(re.findall(r'id="([^"]+)"', answer.text))
        links = re.findall(r'href="([^"]+)"', answer.text)
        assert links
        for link in links:
            if link.startswith("#"):
                assert link[1:] in anchors
            else:
                with client.get(link) as result:
                    assert result.status_code == (401 if link == "/console" else 200), link


@pytest.mark.parametrize("page", PAGES)
def test_a_page_may_load_and_run_only_what_is_the_connectors_own(
    client: FlaskClient, page: str
) -> None:
    answer = client.get(page, headers=BROWSER)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert not re.search(r'src="(?!/assets/)', answer.text)


@pytest.mark.parametrize("accept", ["application/json", "*/*", "", "application/*", "text/plain"])
def test_tools_get_json(client: FlaskClient, accept: str) -> None:
    answer = client.get("/specs", headers={"Accept": accept})
    assert answer.mimetype == "application/json"
    assert "Accept" in answer.headers["Vary"]


@pytest.mark.parametrize("path", [*PAGES, *(f"/specs/{name}" for name in NAMES)])
def test_an_answer_can_be_kept_and_asked_for_again(client: FlaskClient, path: str) -> None:
    first = client.get(path)
    assert first.headers["Cache-Control"] == "no-cache"
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    other = client.get(path, headers={"If-None-Match": '"another"'})
    assert (other.status_code, other.data) == (200, first.data)


@pytest.mark.parametrize("path", [*PAGES, *(f"/specs/{name}" for name in NAMES)])
def test_only_looking_is_possible(client: FlaskClient, path: str) -> None:
    head = client.head(path)
    assert (head.status_code, head.data) == (200, b"")
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = client.open(path, method=method)
        assert answer.status_code == 405
        assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize(
    "name", ["nothing.zip", "n8n-workflows/nothing.json", "../secret", "%2e%2e%2fetc", "zapier"]
)
def test_an_unknown_file_is_told_in_a_sentence(client: FlaskClient, name: str) -> None:
    answer = client.get(f"/specs/{name}")
    assert answer.status_code == 404
    assert answer.mimetype == "application/problem+json"
    assert answer.get_json()["message"].endswith(".")


def test_two_connectors_give_the_same_bytes(client: FlaskClient, tmp_path: Path) -> None:
    with running_facade(tmp_path, public_url=PUBLIC_URL) as other:
        for name in NAMES:
            path = f"/specs/{name}"
            assert client.get(path).data == other.app.test_client().get(path).data


def test_the_zapier_connection_has_the_address_as_its_default(client: FlaskClient) -> None:
    with zipfile.ZipFile(io.BytesIO(client.get("/specs/zapier.zip").data)) as archive:
        app = json.loads(archive.read("paywalls-zapier/app.json"))
    assert PUBLIC_URL in [field.get("default") for field in app["authentication"]["fields"]]


def test_the_n8n_package_is_one_that_npm_installs(client: FlaskClient) -> None:
    answer = client.get("/specs/n8n.tgz")
    assert re.search(r'filename="n8n-nodes-paywalls-[\d.]+\.tgz"', str(answer.headers))
    with tarfile.open(fileobj=io.BytesIO(answer.data)) as archive:
        names = archive.getnames()
        part = archive.extractfile("package/package.json")
        assert part is not None
        package = json.loads(part.read())
    assert package["name"] == "n8n-nodes-paywalls"
    for file in (*package["n8n"]["nodes"], *package["n8n"]["credentials"]):
        assert f"package/{file}" in names


def test_every_workflow_is_there_with_and_without_our_nodes(client: FlaskClient) -> None:
    names = [name for name in NAMES if name.startswith("n8n-workflows/")]
    plain = [name for name in names if not name.endswith("-http.json")]
    assert len(plain) >= 5
    assert set(names) == {*plain, *(name.replace(".json", "-http.json") for name in plain)}
    for name in names:
        assert client.get(f"/specs/{name}").get_json()["nodes"]


def test_the_zapier_app_lies_in_one_folder(client: FlaskClient) -> None:
    answer = client.get("/specs/zapier.zip")
    assert 'filename="paywalls-zapier.zip"' in answer.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        names = archive.namelist()
        assert {name.split("/")[0] for name in names} == {"paywalls-zapier"}
        assert json.loads(archive.read("paywalls-zapier/app.json"))
        assert {"paywalls-zapier/index.js", "paywalls-zapier/.zapierapprc"} <= set(names)


def test_the_file_for_mcp_servers_is_ours_with_the_address_filled_in(
    client: FlaskClient, hidden: FlaskClient
) -> None:
    ours = (Path(connector.__file__).parent / "paid.py").read_text(encoding="utf-8")
    known, unknown = (one.get("/specs/paid.py") for one in (client, hidden))
    assert unknown.text == ours  # a token shall not be sent to an example
    assert known.text.replace(f'ADDRESS = "{PUBLIC_URL}"', 'ADDRESS = ""') == ours
    assert known.headers["Content-Disposition"] == 'attachment; filename="paid.py"'
    compile(known.text, "paid.py", "exec")
    page = client.get("/specs", headers=BROWSER).text
    assert 'href="/specs/paid.py"' in page
    assert 'href="/guide/paid"' in page
