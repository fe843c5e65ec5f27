"""Training dynamics: the logged curves of runs in one tidy table."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from workbench.runs.folder import Run

COLUMNS = ["run", "recipe", "method", "seed", "group", "quantity", "step", "value", "seconds"]


def training_dynamics(runs: Run | Iterable[Run]) -> pd.DataFrame:
    """Every curve that training logged.

    Parameters
    ----------
    runs : Run or iterable of Run
        Finished or not.

    Returns
    -------
    DataFrame
        ``run`` (folder's name), ``recipe``, ``method``, ``seed``; ``group`` and ``quantity``, the two parts of the
        logged name, such as loss and noise_prediction, validation and target_psnr; ``step``, ``value``; ``seconds``
        since the run's first entry, breaks of an interrupted training included.
    """
    tables = []
    for run in [runs] if isinstance(runs, Run) else runs:
        scalars, recipe = run.scalars(), run.recipe
        if scalars.empty:
            continue
        names = scalars.tag.str.split("/", n=1, expand=True)
        tables.append(
            pd.DataFrame({
                "run": run.name, "recipe": recipe.name, "method": recipe.method, "seed": recipe.seed, "group": names[0],
                "quantity": names[1], "step": scalars.step, "value": scalars.value,
                "seconds": scalars.time - scalars.time.min(),
            })
        )  # fmt: skip
    return pd.concat(tables, ignore_index=True)[COLUMNS] if tables else pd.DataFrame(columns=COLUMNS)
