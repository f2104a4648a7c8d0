"""Keys, server secrets, encryption at rest, and who is let in."""
