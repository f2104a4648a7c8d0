from tests.api.live import connector, paywall, sandbox_server

__all__ = ["connector", "paywall", "sandbox_server"]
