"""The four regions, their areas, and the five vantages as bits.

A vantage is a set of areas: four solo ones and the joint one. Bit 0 to 3 are the solo vantages in
the order of `REGIONS`, bit 4 is the joint vantage. Ningbo (330200) is a supervisory area of its
own whose reports the Zhejiang vantage holds. Anything else is `OUT`.
"""

from collections.abc import Mapping
from types import MappingProxyType

REGIONS = ("310000", "320000", "330000", "340000")
OUT = "OUT"
JOINT = "joint"
VANTAGES = (*REGIONS, JOINT)
JOINT_BIT = 4
ALL_BITS = 0b11111

AREA_TO_REGION: Mapping[str, str] = MappingProxyType(
    {region: region for region in REGIONS} | {"330200": "330000"}
)
NAMES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "310000": ("上海", "Shanghai"),
        "320000": ("江苏", "Jiangsu"),
        "330000": ("浙江", "Zhejiang"),
        "340000": ("安徽", "Anhui"),
        "330200": ("宁波", "Ningbo"),
        JOINT: ("联合", "Joint"),
        OUT: ("长三角以外", "Outside the Delta"),
    }
)


def region_of_area(area: str | None) -> str:
    """The region whose vantage holds an area's reports; `OUT` for any other area.

    Example:
        >>> region_of_area("330200"), region_of_area("110000"), region_of_area(None)
        ('330000', 'OUT', 'OUT')
    """
    return AREA_TO_REGION.get(area or "", OUT)


def bit_of_region(region: str) -> int:
    """The vantage bit of a region, 0 for `OUT`.

    Example:
        >>> bit_of_region("330000"), bit_of_region("OUT")
        (4, 0)
    """
    return 1 << REGIONS.index(region) if region in REGIONS else 0
