"""Keep freed host memory: images of megabytes need not be asked of the system again for every layer."""

from __future__ import annotations

import ctypes
import sys

# parameters of glibc's mallopt(3)
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def keep_freed_memory(top_pad: int = 64 << 20) -> bool:
    """Let glibc reuse the memory of large tensors instead of returning it to the system at every release.

    By default each tensor of some megabytes is mapped from the system, zeroed page by page and returned: on a CPU
    that takes about as long as the arithmetic of a small layer. The peak of the memory stays that of the tensors
    alive at once, up to fragmentation; it is returned when the process ends.

    Args:
        top_pad: bytes to ask for at once when more is needed.

    Returns:
        Whether it took effect: only Linux with glibc has the call, elsewhere nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # musl and others
        return False
    limit = 2**31 - 1  # mallopt takes an int
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, limit), (_M_TOP_PAD, top_pad))
    return all(mallopt(key, value) == 1 for key, value in settings)
