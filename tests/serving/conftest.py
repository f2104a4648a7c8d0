"""What every test folder is given."""

from __future__ import annotations

from tests.serving.toy import lasting, serve

__all__ = ["lasting", "serve"]
