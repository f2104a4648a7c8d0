"""An MCP server that sells two tools, with the package `mcp` 2.x: see docs/paid.md.

pip install "mcp>=2.3" httpx
curl -O https://connector.example.com/specs/paid.py
export PAYWALLS_CONNECTOR_URL=https://connector.example.com PAYWALLS_CONNECTOR_TOKEN=pwc_…
python paid_server.py
"""

from __future__ import annotations

import asyncio
import os

from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from paid import paid

PORT = int(os.environ.get("PORT", "8002"))
ADDRESS = f"http://127.0.0.1:{PORT}"
USERS = {"secret-of-ann": "ann", "secret-of-ben": "ben"}
"""Who may call. Yours come from your own sign-in: what counts is `subject`, the person."""


class Verifier(TokenVerifier):
    """Whose token it is."""

    async def verify_token(self, token: str) -> AccessToken | None:
        if token not in USERS:
            return None
        return AccessToken(
            token=token, client_id="their-app", scopes=[], subject=USERS[token], resource=ADDRESS
        )


server = MCPServer(
    "Texts",
    token_verifier=Verifier(),
    auth=AuthSettings(
        issuer_url=ADDRESS, resource_server_url=ADDRESS, validate_token_resource=True
    ),
)


@server.tool()
@paid(feature="pdf-parse")
async def count_words(text: str, ctx: Context) -> int:
    """Count the words of a text. Costs what `pdf-parse` costs, and nothing if it fails."""
    if not text.strip():
        raise ToolError("There is no word in this text.")
    await asyncio.sleep(0)  # here would be the work
    return len(text.split())


@server.tool()
@paid(feature="pdf-parse", order="after")
def look_up(word: str) -> str:
    """Tell how long a word is: only reads, so it is charged after it was found."""
    return f"{word} has {len(word)} letters."


if __name__ == "__main__":
    server.run("streamable-http", port=PORT)
