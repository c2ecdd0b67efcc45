"""Random SCIM ids."""

import os
import time


def random_ids(count: int) -> list[str]:
    """Returns fresh UUIDs of version 7 (RFC 9562 section 5.7): 74 random bits after the time in milliseconds.

    The time comes first so that the ids of an import lie side by side in their index; wholly random ones would make it
    rewrite another page of the file for every object.
    """
    milliseconds = time.time_ns() // 1_000_000
    noise = os.urandom(10 * count)
    return [_text(milliseconds, noise[start : start + 10]) for start in range(0, len(noise), 10)]


def _text(milliseconds: int, noise: bytes) -> str:
    number = int.from_bytes(noise, "big")
    high = (milliseconds & 0xFFFFFFFFFFFF) << 16 | 0x7000 | number >> 62 & 0xFFF
    low = 0x8 << 60 | number & 0x3FFFFFFFFFFFFFFF
    digits = f"{high << 64 | low:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
