"""What an examination says about one thing."""

from typing import NamedTuple


class Finding(NamedTuple):
    """One thing that was looked at. `fix` says what to do, and is empty where all is well; where
    it works (`ok`) and there is a `fix`, somebody should look at it all the same."""

    name: str
    ok: bool
    sentence: str
    fix: str = ""
