# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""Fan-in from the graph: a payee's new payers that hardly pay anybody else new."""

from collections.abc import Mapping

import numba as nb
import numpy as np
import numpy.typing as npt

from pipelines.rules.kernels.graph_fans import ROOM, fan

VARIANTS = ("fan_in",)
PARAMETERS = (
    "learning_days",
    "window_days",
    "least_payers",
    "least_days",
    "quiet_degree",
    "busy_degree",
    "payees_per_payer",
    "amount_factor",
    "chance_milli",
    "rare_bp",
    "band_2_payers",
)
_ANY = 1 << 30  # what does not matter: how much a payer is paid, the hub's other new payers


def scratch(values: Mapping[str, int]) -> npt.NDArray[np.int64]:
    """Room to work in."""
    return np.zeros(ROOM, np.int64)


@nb.njit(cache=True, nogil=True)
def step(g, at, p, work, hits, n_hits, evidence, n_evidence):
    """Look at the payee of edge `at`."""
    return fan(
        g, at, False, p[0], p[1], p[2], p[3], p[4], 0, _ANY, p[5], p[6], _ANY, p[7], p[8],
        p[9], p[10], work, hits, n_hits, evidence, n_evidence,
    )  # fmt: skip
