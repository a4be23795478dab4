"""Names for parties that give nobody away: 甲, 乙, 丙, ... and A, B, C, ..."""

from itertools import count, product

STEMS = "甲乙丙丁戊己庚辛壬癸"
LETTERS = "ABCDEFGHIJ"
NOBODY = ("不详", "?")  # a party only known by a name, which links nothing
EXCHANGE = ("交易所", "the exchange")  # the other side of an order that nobody took


def label(number: int) -> tuple[str, str]:
    """The label of the party that appears as number `number`, from 0, in zh and en.

    Example:
        >>> label(0), label(9), label(10), label(11)
        (('甲', 'A'), ('癸', 'J'), ('甲甲', 'AA'), ('甲乙', 'AB'))
    """
    for size in count(1):
        if number < 10**size:
            digits = list(product(range(10), repeat=size))[number]
            return "".join(STEMS[d] for d in digits), "".join(LETTERS[d] for d in digits)
        number -= 10**size
    raise RuntimeError("labels never end")
