from tests.inbound.conftest import (
    app_with_quick_retries,
    connected_app,
    database,
    emptied,
    make_connected_app,
    owner,
    shared_connected_app,
)
from tests.inbound.conftest import both_brands as brand

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
