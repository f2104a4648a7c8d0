"""Exactly once: parallel calls, crashes, faults, doubt, late answers."""
