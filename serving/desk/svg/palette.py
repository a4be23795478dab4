"""Colours and the one stylesheet of all pictures.

Okabe-Ito hues (safe for the common colour-vision deficiencies), darkened until text in them has a
contrast of at least 4.5 on every ground used here. A colour never says anything alone: a word or a
letter always stands beside it.
"""

from collections.abc import Mapping
from types import MappingProxyType

INK = "#16202b"
MUTE = "#566270"
FIRE = "#c2141b"
PAPER = "#ffffff"
GROUND = "#f4f6f8"
SHADE = "#eef1f4"
WARN_GROUND = "#fff1c9"
WARN_INK = "#5c3d00"

REGION_COLOURS: Mapping[str, str] = MappingProxyType(
    {
        "310000": "#00639c",
        "320000": "#b04d00",
        "330000": "#006e52",
        "340000": "#984577",
        "OUT": MUTE,
        "joint": INK,
    }
)

_REGIONS = "".join(f".r{region}{{--k:{hue}}}" for region, hue in REGION_COLOURS.items())

STYLESHEET = (
    f":root{{--ink:{INK};--mute:{MUTE};--fire:{FIRE};--paper:{PAPER};--ground:{GROUND};"
    f"--shade:{SHADE};--rule:#d3dae1}}"
    + _REGIONS
    + """
svg.pic{display:block;width:100%;height:auto;font-family:inherit;background:var(--paper)}
svg.pic text{fill:var(--ink);font-size:12px}
svg.pic text.small{font-size:11px;fill:var(--mute)}
svg.pic text.strong{font-weight:700}
svg.pic text.middle{text-anchor:middle}
svg.pic text.end{text-anchor:end}
svg.pic text.tinted{fill:var(--k);font-weight:700}
svg.pic text.halo{paint-order:stroke;stroke:var(--paper);stroke-width:3px;stroke-linejoin:round}
svg.pic text.red{fill:var(--fire);font-weight:700}
.lane{fill:var(--k);opacity:.07}
.lane.other{opacity:.025}
.lanebar{fill:var(--k)}
.lanebar.other{opacity:.3}
.dayline{stroke:var(--rule);stroke-width:1}
.gapline{stroke:var(--mute);stroke-width:1;stroke-dasharray:1 3}
.row{stroke:var(--k);stroke-width:1;opacity:.38}
.same{fill:none;stroke:var(--ink);stroke-width:1.2;stroke-dasharray:3 3;opacity:.75}
.asset{fill:var(--paper);stroke:var(--ink);stroke-width:1.6}
.assetline{fill:none;stroke:var(--ink);stroke-width:1.4;stroke-dasharray:2 3}
.node circle{fill:var(--k);stroke:var(--paper);stroke-width:1}
svg.pic .node text{fill:#fff;font-size:12px;font-weight:700;text-anchor:middle}
svg.pic .node text.two{font-size:9.5px}
.node.hub circle{stroke:var(--ink);stroke-width:2.6}
.node:focus{outline:none}
.node:focus-visible circle{stroke:#1a73e8;stroke-width:4}
.link{fill:none;stroke:var(--k);opacity:.5}
.link.cross{opacity:.82}
.bundled .link{opacity:.14}
.bundled .link.cross{opacity:.42}
.tip{fill:var(--k);opacity:.8}
.node.far circle{fill:var(--paper);stroke:var(--k);stroke-width:2;stroke-dasharray:3 2}
svg.pic .node.far text{fill:var(--k)}
.node.ghost circle{opacity:.14}
.node.ghost text{display:none}
.row.ghost{opacity:.1}
.solo .link.whole,.bundled .link.whole{opacity:.9}
.solo .link.cut,.bundled .link.cut{opacity:.95;stroke-dasharray:2 4}
.solo .link.ghost,.bundled .link.ghost{opacity:.07}
.solo .tip.cut{opacity:.95}
.solo .tip.ghost{opacity:.07}
.track{stroke:var(--rule);stroke-width:2}
.stem{stroke:var(--k);stroke-width:4}
.line{stroke:var(--fire);stroke-width:2;stroke-dasharray:5 4;fill:none}
.line.further{stroke-width:1.2;opacity:.7}
.dot{fill:var(--paper);stroke:var(--k);stroke-width:3}
.dot.fires{fill:var(--fire);stroke:var(--fire)}
.bar{fill:var(--k);stroke:var(--paper);stroke-width:.6}
.step{fill:none;stroke:var(--k);stroke-width:1.8}
.step.joint{stroke-width:3}
.base{stroke:var(--mute);stroke-width:1}
.minilane{fill:var(--k);opacity:.06}
.minilink{fill:none;stroke:var(--k);stroke-width:1.1;opacity:.75}
.minilink.cut{stroke-dasharray:2 2}
.minidot{fill:var(--k)}
.minidot.far{fill:var(--paper);stroke:var(--k);stroke-width:1}
.minidot.ghost,.minilink.ghost{opacity:.1}
.part{stroke:var(--paper);stroke-width:1}
.part.accepted,.part.found,.part.plain{fill:#00639c}
.part.hidden{fill:#16202b}
.part.rejected{fill:#b04d00}
.part.quarantined{fill:#984577}
.part.duplicates{fill:#566270}
.part.pending{fill:#9aa7b3}
.part.missed{fill:var(--paper);stroke:var(--fire);stroke-width:1.6;stroke-dasharray:3 2}
.key{display:inline-block;width:.8em;height:.8em;vertical-align:-.05em;margin-right:.35em}
table.versus{border-collapse:collapse;width:100%;min-width:1040px}
.versus th,.versus td{padding:.3rem .5rem;text-align:left;vertical-align:middle}
.versus thead th{font-size:.82rem;color:var(--mute);font-weight:600;
border-bottom:1px solid var(--rule);vertical-align:bottom;white-space:nowrap;line-height:1.4}
.versus thead .en{font-weight:400}
.versus thead .wrap{white-space:normal}
.versus thead .num .en,.versus .verdict-cell small{display:block}
.versus .verdict-cell{white-space:nowrap}
.versus thead .num{text-align:right}
.versus td.num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.versus td .en{white-space:nowrap}
.versus tr.joint>*{border-top:3px solid var(--ink);font-weight:700;padding-top:.45rem}
.versus svg.track-pic{width:296px;height:34px}
.versus svg.pic text.value{font-size:14px}
.versus svg.mini{width:152px;height:60px;border-radius:4px}
.chip{border-left:5px solid var(--k);padding:0 .4rem;background:var(--shade);
white-space:nowrap;color:var(--ink)}
.dashkey{display:inline-block;border-left:2px dashed var(--fire);height:1em;
vertical-align:-.15em;margin:0 .35em}
.fires-text{color:var(--fire);font-weight:700}
@media print{svg.pic{break-inside:avoid}}
"""
)
