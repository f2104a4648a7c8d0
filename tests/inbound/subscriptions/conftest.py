from tests.inbound.conftest import (
    app_with_quick_retries,
    brand,
    connected_app,
    database,
    emptied,
    make_connected_app,
    owner,
    shared_connected_app,
)

__all__ = [
    "app_with_quick_retries",
    "brand",
    "connected_app",
    "database",
    "emptied",
    "make_connected_app",
    "owner",
    "shared_connected_app",
]
