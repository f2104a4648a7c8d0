"""Pages for people: where to start, the guides, and what to bring into a tool."""
