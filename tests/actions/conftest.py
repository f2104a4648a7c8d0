from tests.actions.scripted import _scripted, scripted
from tests.api.builder import builder, facade, shared_builder

__all__ = ["_scripted", "builder", "facade", "scripted", "shared_builder"]
