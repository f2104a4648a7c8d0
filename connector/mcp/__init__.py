"""The MCP endpoint: every action of the catalog as a tool for agents."""
