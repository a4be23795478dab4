"""Where JSON strings, numbers and literals end, by RFC 8259; every position is bounded."""

# mypy: disable-error-code="no-untyped-def,assignment"
# numba takes the types from the arrays it is called with

import numba as nb

# cell flags
ESCAPED = 1
NUMBER = 16
LITERAL = 32
NULL = 64


@nb.njit(cache=True, nogil=True)
def _hex4(body, i, high):
    """The value of four hex digits at i, -1 if they are not there."""
    if i + 4 > high:
        return -1
    value = 0
    for j in range(4):
        c = body[i + j]
        if 48 <= c <= 57:
            value = value * 16 + (c - 48)
        elif 97 <= (c | 32) <= 102:
            value = value * 16 + ((c | 32) - 87)
        else:
            return -1
    return value


@nb.njit(cache=True, nogil=True)
def string(body, i, high):
    """End of the string whose first byte after the quote is at i: (end, escaped), end -1 if bad."""
    escaped = False
    while i < high:
        c = body[i]
        if c == 34:
            return i, escaped
        if c < 32:
            return -1, escaped
        if c != 92:
            i += 1
            continue
        escaped = True
        if i + 1 >= high:
            return -1, escaped
        c = body[i + 1]
        if c == 117:
            value = _hex4(body, i + 2, high)
            i += 6
            if value < 0 or 0xDC00 <= value < 0xE000:
                return -1, escaped
            if 0xD800 <= value < 0xDC00:
                if i + 6 > high or body[i] != 92 or body[i + 1] != 117:
                    return -1, escaped
                value = _hex4(body, i + 2, high)
                if value < 0xDC00 or value >= 0xE000:
                    return -1, escaped
                i += 6
        elif c in (34, 92, 47, 98, 102, 110, 114, 116):
            i += 2
        else:
            return -1, escaped
    return -1, escaped


@nb.njit(cache=True, nogil=True)
def _digits(body, i, high):
    while i < high and 48 <= body[i] <= 57:
        i += 1
    return i


@nb.njit(cache=True, nogil=True)
def number(body, i, high):
    """End of the number at i, -1 if it is none."""
    if i < high and body[i] == 45:
        i += 1
    if i >= high:
        return -1
    if body[i] == 48:
        i += 1
    else:
        end = _digits(body, i, high)
        if end == i:
            return -1
        i = end
    if i < high and body[i] == 46:
        end = _digits(body, i + 1, high)
        if end == i + 1:
            return -1
        i = end
    if i < high and (body[i] | 32) == 101:
        i += 1
        if i < high and (body[i] == 43 or body[i] == 45):
            i += 1
        end = _digits(body, i, high)
        if end == i:
            return -1
        i = end
    return i


@nb.njit(cache=True, nogil=True)
def literal(body, i, high):
    """(end, flag) of true, false or null at i, end -1 if it is none of them."""
    c = body[i]
    if c == 116 and i + 4 <= high:
        if body[i + 1] == 114 and body[i + 2] == 117 and body[i + 3] == 101:
            return i + 4, LITERAL
    elif c == 110 and i + 4 <= high:
        if body[i + 1] == 117 and body[i + 2] == 108 and body[i + 3] == 108:
            return i + 4, NULL
    elif (
        c == 102
        and i + 5 <= high
        and body[i + 1] == 97
        and body[i + 2] == 108
        and body[i + 3] == 115
        and body[i + 4] == 101
    ):
        return i + 5, LITERAL
    return -1, 0
