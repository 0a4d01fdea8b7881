"""``tunesmith emulator run``: run unchanged code against the emulator.

A child process, or the cells of a notebook, keep the real host names. A proxy and a file of
certificates lead their requests to the emulator.
"""
