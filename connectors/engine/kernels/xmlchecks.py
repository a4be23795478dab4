"""What bytes of XML are: kinds of bytes, characters, references, plain names."""

# mypy: disable-error-code="no-untyped-def,assignment"
# numba takes the types from the arrays it is called with

import numba as nb
import numpy as np

# what a byte of text is
PLAIN, BLANK, OPEN, AND, RETURN, BRACKET, LONG, FORBIDDEN = range(8)


def _kinds() -> "np.ndarray[tuple[int], np.dtype[np.uint8]]":
    kinds = np.full(256, PLAIN, np.uint8)
    kinds[:32] = FORBIDDEN
    kinds[[9, 10, 32]] = BLANK
    kinds[128:] = LONG
    for byte, kind in ((60, OPEN), (38, AND), (13, RETURN), (93, BRACKET)):
        kinds[byte] = kind
    return kinds


KINDS = _kinds()


@nb.njit(cache=True, nogil=True)
def character(body, i, high):
    """Where the character of several bytes at i ends, -1 if it is no character of XML."""
    c = body[i]
    if c < 0xC2 or c > 0xF4:
        return -1
    more = 1 if c < 0xE0 else (2 if c < 0xF0 else 3)
    if i + more >= high:
        return -1
    for j in range(1, more + 1):
        if body[i + j] & 0xC0 != 0x80:
            return -1
    d = body[i + 1]
    if (c == 0xE0 and d < 0xA0) or (c == 0xED and d > 0x9F):
        return -1
    if (c == 0xF0 and d < 0x90) or (c == 0xF4 and d > 0x8F):
        return -1
    if c == 0xEF and d == 0xBF and body[i + 2] > 0xBD:
        return -1
    return i + more + 1


@nb.njit(cache=True, nogil=True)
def reference(body, i, high):
    """Where the reference that begins with the ampersand at i ends, -1 if expat must look."""
    end = i + 1
    while end < high and end < i + 10 and body[end] != 59:
        end += 1
    if end >= high or body[end] != 59:
        return -1
    first = body[i + 1]
    length = end - i - 1
    if length < 2:
        return -1
    if first != 35:
        second = body[i + 2]
        if length == 2 and second == 116 and (first == 108 or first == 103):
            return end + 1
        if length == 3 and first == 97 and second == 109 and body[i + 3] == 112:
            return end + 1
        if length != 4 or body[i + 3] != 111:
            return -1
        last = body[i + 4]
        if (first == 97 and second == 112 and last == 115) or (
            first == 113 and second == 117 and last == 116
        ):
            return end + 1
        return -1
    point = 0
    j = i + 2
    hexadecimal = body[j] == 120
    if hexadecimal:
        j += 1
    if j == end:
        return -1
    while j < end:
        c = body[j]
        if 48 <= c <= 57:
            digit = c - 48
        elif hexadecimal and 97 <= (c | 32) <= 102:
            digit = (c | 32) - 87
        else:
            return -1
        point = point * (16 if hexadecimal else 10) + digit
        j += 1
    if point < 32 and point != 9 and point != 10 and point != 13:
        return -1
    if 0xD800 <= point < 0xE000 or point == 0xFFFE or point == 0xFFFF or point > 0x10FFFF:
        return -1
    return end + 1


@nb.njit(cache=True, nogil=True)
def plain_name(body, start, end):
    """Whether bytes are an ASCII name without prefix that does not begin with `xml`."""
    if start == end:
        return False
    for i in range(start, end):
        c = body[i]
        if 97 <= (c | 32) <= 122 or c == 95:
            continue
        if i == start or not (48 <= c <= 57 or c == 45 or c == 46):
            return False
    if end - start >= 3 and (body[start] | 32) == 120 and (body[start + 1] | 32) == 109:
        return (body[start + 2] | 32) != 108
    return True
