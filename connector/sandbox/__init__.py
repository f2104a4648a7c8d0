"""A sandbox: an emulator of the Paywalls.ai API that keeps everything in memory.

`create_sandbox()` makes the application, `serve()` runs it. See README.md beside this file.
"""

from connector.sandbox.app import create_sandbox
from connector.sandbox.server import serve

__all__ = ["create_sandbox", "serve"]
