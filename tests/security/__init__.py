"""Whose key it is, and the server secrets that the answer depends on."""
