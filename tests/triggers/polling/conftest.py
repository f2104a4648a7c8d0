from tests.inbound.conftest import database, emptied, hasty, house, make_house, owner, street

__all__ = ["database", "emptied", "hasty", "house", "make_house", "owner", "street"]
