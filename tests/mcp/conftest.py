from tests.api.builder import builder, facade, shared_builder
from tests.api.live import connector, paywall, sandbox_server

__all__ = ["builder", "connector", "facade", "paywall", "sandbox_server", "shared_builder"]
