"""CSV bytes to cells.

Delimiters are below 0x30, which no UTF-8 or GB18030 character holds as a later byte, so the scan
works on the submitted bytes and text is decoded column by column.
"""

# mypy: disable-error-code="no-untyped-def,assignment"
# numba takes the types from the arrays it is called with

import numba as nb

from connectors.engine.kernels.jsontext import FINE, UNREADABLE, WRONG_COLUMNS

DOUBLED = 1  # cell flag: the value holds doubled quotes


@nb.njit(cache=True, nogil=True)
def scan_csv(
    body, low, high, delimiter, columns, node_of, line, cells, flags, records, status, lines, count,
):  # fmt: skip
    """Append the cells of CSV rows; a value never spans lines, so a lost quote costs one row.

    Arguments in brief:
        body: uint8, rows without the header.
        columns: How many values a row must have.
        node_of: int32[columns]: node of each column.
        line: Number of the line in front of `low`.
        cells, flags, records, count: As `scan_xml`; instance is -1.
        status: FINE, UNREADABLE (quotes), WRONG_COLUMNS.
        lines: Line number of each record from 1.
    """
    k, nr = count[0], count[1]
    i = low
    while i < high:
        end = i
        while end < high and body[end] != 10:
            end += 1
        line += 1
        start = i
        i = end + 1
        if end > start and body[end - 1] == 13:
            end -= 1
        if end == start:
            continue
        records[nr, 0] = start
        records[nr, 1] = end
        lines[nr] = line
        status[nr] = FINE
        first = k
        column = 0
        at = start
        while True:
            flag = 0
            if at < end and body[at] == 34:
                at += 1
                value = at
                closed = False
                while at < end:
                    if body[at] == 34:
                        if at + 1 < end and body[at + 1] == 34:
                            flag = DOUBLED
                            at += 2
                            continue
                        closed = True
                        break
                    at += 1
                stop = at
                at += 1
                if not closed or (at < end and body[at] != delimiter):
                    status[nr] = UNREADABLE
                    break
            else:
                value = at
                while at < end and body[at] != delimiter:
                    if body[at] == 34:
                        status[nr] = UNREADABLE
                    at += 1
                stop = at
            if column < columns:
                cells[k, 0] = value
                cells[k, 1] = stop
                cells[k, 2] = node_of[column]
                cells[k, 3] = nr
                cells[k, 4] = -1
                flags[k] = flag
                k += 1
            column += 1
            if at >= end:
                break
            at += 1
        if status[nr] == FINE and column != columns:
            status[nr] = WRONG_COLUMNS
        if status[nr] != FINE:
            k = first
        nr += 1
    count[0], count[1] = k, nr
