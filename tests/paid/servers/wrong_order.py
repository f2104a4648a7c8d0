"""Prints what is said of `@paid` above `@server.tool()`. Argument: the library."""
# mypy: ignore-errors

import sys

from paid import paid

if sys.argv[1] == "mcp":
    from mcp.server.mcpserver import MCPServer as Server
else:
    from fastmcp import FastMCP as Server

server = Server("Wrong")
try:

    @paid("pdf-parse")
    @server.tool()
    def tool() -> int:
        """A tool."""
        return 1

except TypeError as error:
    sys.stdout.write(str(error))
