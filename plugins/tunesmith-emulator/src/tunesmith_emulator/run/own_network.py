"""Starts a command in a network with no way out: ``own_network.py LINK PORT… -- COMMAND``.

It runs by its path in the process that becomes the command. The new network has only a loopback
interface. Its sockets listen on the given ports, and LINK hands them to the emulator's process. If
the machine allows no such network, the command starts in the network of the machine.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import signal
import socket
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

LOOPBACK = "127.0.0.1"
# The lines that this process writes to the link, with a reason.
REFUSED = "refused"
NOT_STARTED = "not started"
# <linux/sched.h>, <linux/sockios.h>, <linux/if.h>
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_SET_FLAGS, _UP = 0x8914, 0x1


def enter(ports: Sequence[int]) -> list[socket.socket]:
    """Move this process into a network of its own, and return sockets that listen on ``ports``.

    Raises:
        OSError: this machine does not allow it. The process may be in a network without loopback.
    """
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    # Root needs no user namespace, in which it could not read the files of other users.
    if libc.unshare(_NEW_NETWORK) != 0:
        if libc.unshare(_NEW_USER | _NEW_NETWORK) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh22x", b"lo", _UP))
    return [socket.create_server((LOOPBACK, port), backlog=1024) for port in ports]


def refusal(ports: Sequence[int]) -> int:
    """Try :func:`enter` in another process, as a failure has no way back. Return the errno or 0."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = errno.EPERM
    try:
        enter(ports)
        code = 0
    except OSError as error:
        code = error.errno or code
    finally:
        os._exit(code)


def main() -> None:
    """Enter the network, hand over its sockets, become the command."""
    cut = sys.argv.index("--")
    link = socket.socket(fileno=int(sys.argv[1]))
    link.set_inheritable(False)  # so that it ends when the command starts
    ports, command = [int(each) for each in sys.argv[2:cut]], sys.argv[cut + 1 :]
    refused = refusal(ports)
    if refused:
        link.sendall(f"{REFUSED}: {os.strerror(refused)}\n".encode())
    else:
        listening = enter(ports)
        socket.send_fds(link, [b"\n"], [each.fileno() for each in listening])
        for each in listening:
            each.close()
    # Python ignores these two, and a command would inherit that.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)  # noqa: S606
    except OSError as error:
        link.sendall(f"{NOT_STARTED}: {error.strerror}\n".encode())
        sys.exit(1)


if __name__ == "__main__":
    main()
