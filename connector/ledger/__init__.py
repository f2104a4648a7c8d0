"""Exactly once: what stands between a builder's retry and a second charge."""
