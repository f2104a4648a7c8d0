"""Chats with a reference: asked at most once, waited for, told later."""
