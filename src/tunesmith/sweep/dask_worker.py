"""Is loaded by the processes that ``processes: N`` starts, before they have work."""

import signal

# Ctrl-C reaches all processes of a terminal; the parent ends these.
signal.signal(signal.SIGINT, signal.SIG_IGN)
