"""Runs the sandbox: `python -m connector.sandbox --port 8001`."""

import argparse
import sys

from connector.brands import BRANDS, PAYWALLS
from connector.sandbox.server import NotLoopbackError, serve


def main(arguments: list[str] | None = None) -> int:
    """Read the command line, serve, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m connector.sandbox",
        description="Runs an emulator of the Paywalls.ai API with made-up money.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=8001, help="port (%(default)s); 0 for any")
    parser.add_argument(
        "--retry-base",
        type=float,
        default=30.0,
        metavar="SECONDS",
        help="wait before a webhook is sent again, doubled each time (%(default)s)",
    )
    parser.add_argument(
        "--force", action="store_true", help="listen on an address that others can reach"
    )
    parser.add_argument(
        "--brand",
        choices=list(BRANDS),
        default=PAYWALLS.name,
        help="the vendor's name under which it plays (%(default)s)",
    )
    options = parser.parse_args(arguments)
    brand = BRANDS[options.brand]
    try:
        serve(options.host, options.port, options.retry_base, options.force, brand)
    except NotLoopbackError as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
