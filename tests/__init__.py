"""The tests read like the manual: the name says the promise."""
