# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""Fan-out from the graph: a payer's new payees that hardly anybody else pays for the first time."""

from collections.abc import Mapping

import numba as nb
import numpy as np
import numpy.typing as npt

from pipelines.rules.kernels.graph_fans import ROOM, fan

VARIANTS = ("fan_out",)
PARAMETERS = (
    "learning_days",
    "window_days",
    "least_payees",
    "least_days",
    "quiet_degree",
    "more_payees",
    "active_degree",
    "busy_degree",
    "payees_per_spoke",
    "amount_factor",
    "chance_milli",
    "band_2_payees",
)
_ANY = 1 << 30  # who begins to pay the hub does not matter


def scratch(values: Mapping[str, int]) -> npt.NDArray[np.int64]:
    """Room to work in."""
    return np.zeros(ROOM, np.int64)


@nb.njit(cache=True, nogil=True)
def step(g, at, p, work, hits, n_hits, evidence, n_evidence):
    """Look at the payer of edge `at`."""
    return fan(
        g, at, True, p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], _ANY, p[8], p[9],
        p[10], -1, p[11], work, hits, n_hits, evidence, n_evidence,
    )  # fmt: skip
