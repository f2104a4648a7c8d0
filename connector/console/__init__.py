"""Pages for people: where to start, the guides, what to bring into a tool, and the console."""
