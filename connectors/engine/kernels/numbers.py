"""Text to decimal128, int64, timestamps and dates: strict patterns, a status a row, no exceptions.

Status: 0 fine, 1 not of the pattern, 2 more than 18 digits (the caller converts exactly),
3 digits that would be lost, 4 does not fit, 5 no such calendar moment.
"""

# mypy: disable-error-code="no-untyped-def,assignment"
# numba takes the types from the arrays it is called with

import numba as nb
import numpy as np

FINE, PATTERN, LONG, LOSS, OVERFLOW, NO_MOMENT = 0, 1, 2, 3, 4, 5
GROUPED = 1  # exact groups of three digits with commas
CAPPED = 2  # a trailing '+': a published cap, read as the number
POWERS = np.array([10**i for i in range(19)], np.int64)


@nb.njit(cache=True, nogil=True)
def to_decimal(data, offsets, valid, scale, precision, options, shift, out, status):
    """[+-]digits[.digits] divided by 10**shift to little-endian limbs, two int64 a row."""
    for row in range(len(offsets) - 1):
        out[2 * row] = 0
        out[2 * row + 1] = 0
        status[row] = FINE
        if not valid[row]:
            continue
        i = offsets[row]
        end = offsets[row + 1]
        negative = False
        if i < end and (data[i] == 43 or data[i] == 45):
            negative = data[i] == 45
            i += 1
        if options & CAPPED and end > i and data[end - 1] == 43:
            end -= 1
        value = np.int64(0)
        digits = 0  # significant ones
        whole = 0
        group = 0
        comma = False
        bad = False
        lost = False
        while i < end and data[i] != 46:
            c = data[i]
            if 48 <= c <= 57:
                whole += 1
                group += 1
                if digits > 0 or c > 48:
                    digits += 1
                    if digits <= 18:
                        value = value * 10 + (c - 48)
            elif c == 44 and options & GROUPED:
                if (comma and group != 3) or (not comma and (group == 0 or group > 3)):
                    bad = True
                comma = True
                group = 0
            else:
                bad = True
            i += 1
        if comma and group != 3:
            bad = True
        if whole == 0:
            bad = True
        fraction = 0
        if i < end:
            i += 1
            if i >= end:
                bad = True
            while i < end:
                c = data[i]
                if c < 48 or c > 57:
                    bad = True
                    break
                if fraction + shift < scale:
                    fraction += 1
                    if digits > 0 or c > 48:
                        digits += 1
                        if digits <= 18:
                            value = value * 10 + (c - 48)
                elif c != 48:
                    lost = True
                i += 1
        if bad:
            status[row] = PATTERN
            continue
        if lost:
            status[row] = LOSS
            continue
        up = scale - shift - fraction
        if digits > 0:
            if digits + up > precision:
                status[row] = OVERFLOW
                continue
            if up < 0 or digits + up > 18:
                status[row] = LONG
                continue
            value *= POWERS[up]
        if negative:
            value = -value
        out[2 * row] = value
        out[2 * row + 1] = -1 if value < 0 else 0


@nb.njit(cache=True, nogil=True)
def to_integer(data, offsets, valid, out, status):
    """-?digits of at most 18 digits to int64; no sign plus, no blanks."""
    for row in range(len(offsets) - 1):
        out[row] = 0
        status[row] = FINE
        if not valid[row]:
            continue
        i = offsets[row]
        end = offsets[row + 1]
        negative = i < end and data[i] == 45
        if negative:
            i += 1
        if i == end or end - i > 18:
            status[row] = PATTERN
            continue
        value = np.int64(0)
        while i < end:
            c = data[i]
            if c < 48 or c > 57:
                status[row] = PATTERN
                break
            value = value * 10 + (c - 48)
            i += 1
        out[row] = -value if negative else value


@nb.njit(cache=True, nogil=True)
def _days(year, month, day):
    """Days since 1970-01-01 of a civil date."""
    year -= month <= 2
    era = year // 400
    of_era = year - era * 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


MONTH_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)

# format codes (below 128: that byte)
YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, FRACTION, ZONE, MAYBE_ZONE = range(200, 209)


@nb.njit(cache=True, nogil=True)
def to_moment(data, offsets, valid, codes, zone_minutes, out, status):
    """Text of one format to microseconds since 1970 UTC.

    FRACTION is an optional '.d' to '.ddddddddd'; ZONE is Z or +hh:mm; MAYBE_ZONE falls back to
    `zone_minutes`. 24:00 and second 60 are no moments.
    """
    for row in range(len(offsets) - 1):
        out[row] = 0
        status[row] = FINE
        if not valid[row]:
            continue
        i = offsets[row]
        end = offsets[row + 1]
        year, month, day, hour, minute, second = 1970, 1, 1, 0, 0, 0
        micro = 0
        zone = zone_minutes
        bad = False
        lost = False
        for code in codes:
            if code < 128:
                if i >= end or data[i] != code:
                    bad = True
                    break
                i += 1
            elif code <= SECOND:
                width = 4 if code == YEAR else 2
                if i + width > end:
                    bad = True
                    break
                number = 0
                for _ in range(width):
                    c = data[i]
                    if c < 48 or c > 57:
                        bad = True
                        break
                    number = number * 10 + (c - 48)
                    i += 1
                if bad:
                    break
                if code == YEAR:
                    year = number
                elif code == MONTH:
                    month = number
                elif code == DAY:
                    day = number
                elif code == HOUR:
                    hour = number
                elif code == MINUTE:
                    minute = number
                else:
                    second = number
            elif code == FRACTION:
                if i < end and data[i] == 46:
                    i += 1
                    width = 0
                    while i < end and 48 <= data[i] <= 57:
                        if width < 6:
                            micro = micro * 10 + (data[i] - 48)
                        elif data[i] != 48:
                            lost = True
                        width += 1
                        i += 1
                    if width == 0 or width > 9:
                        bad = True
                        break
                    while width < 6:
                        micro *= 10
                        width += 1
            elif i < end and data[i] == 90:
                zone = 0
                i += 1
            elif i + 6 <= end and (data[i] == 43 or data[i] == 45) and data[i + 3] == 58:
                for j in (1, 2, 4, 5):
                    if data[i + j] < 48 or data[i + j] > 57:
                        bad = True
                if bad:
                    break
                hours = (data[i + 1] - 48) * 10 + (data[i + 2] - 48)
                minutes = (data[i + 4] - 48) * 10 + (data[i + 5] - 48)
                if hours > 14 or minutes > 59:
                    bad = True
                    break
                zone = (hours * 60 + minutes) * (1 if data[i] == 43 else -1)
                i += 6
            elif code == ZONE:
                bad = True
                break
        if bad or i != end:
            status[row] = PATTERN
            continue
        if (
            month < 1 or month > 12 or day < 1 or year < 1900
            or hour > 23 or minute > 59 or second > 59
        ):  # fmt: skip
            status[row] = NO_MOMENT
            continue
        longest = MONTH_DAYS[month]
        if month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0):
            longest = 29
        if day > longest:
            status[row] = NO_MOMENT
            continue
        if lost:
            status[row] = LOSS
            continue
        moment = _days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second
        out[row] = (moment - zone * 60) * 1000000 + micro
