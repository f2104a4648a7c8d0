"""The upstream client: what can be asked of the Paywalls.ai API, and how it can fail.

Source: the vendor's API reference, https://docs.paywalls.ai/api-reference/introduction.
Only this package imports httpx.
"""

from connector.upstream import webhooks
from connector.upstream.calls import Answer, Balance, Connection, Upstream
from connector.upstream.client import Client, UpstreamAnswer

__all__ = ["Answer", "Balance", "Client", "Connection", "Upstream", "UpstreamAnswer", "webhooks"]
