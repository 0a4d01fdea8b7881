"""Decisions, chat and completions over any tunesmith backend, on the interfaces people call.

``server.py`` and ``http_protocol.py`` serve any application; the emulator uses them too.
"""
