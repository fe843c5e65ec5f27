"""Make a run's restorer one that comes with the package.

Measures the run on test sets and writes ``workbench/packaged/NAME.safetensors`` and its card: recipe, seed, commit,
data in words (folders' paths stay out of it), what was measured, and what the training pictures' licences ask for.
"""

from __future__ import annotations

from pathlib import Path

from workbench.evaluation.sets import open_set
from workbench.files import find_files
from workbench.restore import restore_array
from workbench.restorers import save_restorer
from workbench.restorers.cards import read_card
from workbench.restorers.names import PACKAGED
from workbench.runs.evaluations import FOLDER, read_evaluation
from workbench.runs.folder import Run


def package_restorer(
    name: str, run: Run, tests: dict[str, str], source: str, target: str, licence: str, protocol: str, note: str | None
) -> Path:
    """Write a run's restorer and card into the package; the file's path.

    Parameters
    ----------
    name : str
        Of the restorer; the same in every table that shows it.
    run : Run
        A finished run.
    tests : dict of str to str
        Test sets: the name to show and the location, as of `workbench.evaluation.sets.open_set`; the simulated
        camera is as strong as in the run's recipe. What the run keeps of them is not measured again.
    source, target, licence : str
        For the card.
    protocol : str
        Of the measurement.
    note : str, optional
        What else a user should know.

    Raises
    ------
    WorkbenchError
        The run or a test set cannot be read.
    """
    card, restorer = read_card(run.weights.with_suffix(".json")), run.restorer()
    metrics = {}
    kept = [read_evaluation(path) for path in find_files(run.folder / FOLDER, "*.json")]
    known = {
        each.location: each for each in kept if each.protocol == protocol and not each.failed and each.mean.get("psnr")
    }
    for test, location in tests.items():
        if found := known.get(location):
            mean, before, images = found.mean["psnr"], found.input_mean["psnr"], found.images
        else:
            test_set = open_set(location, data=run.recipe.data)
            result = test_set.evaluate(lambda image: restore_array(restorer, image), protocol)
            mean, before, images = result["mean"]["psnr"], result["input_mean"]["psnr"], len(result["images"])
        metrics[test] = f"PSNR {before:.2f} dB before, {mean:.2f} dB after ({images} pictures, protocol {protocol})"
    facts = card["provenance"]
    degradations = ", ".join(str(entry.degradation) for entry in run.recipe.data.entries)
    facts["data"] = {"source": source, "degradation": degradations, "target": target}
    facts |= {"settings": _settings(run), "metrics": metrics, "licence": licence}
    facts |= {"note": note} if note else {}
    PACKAGED.mkdir(exist_ok=True)
    path = PACKAGED / f"{name}.safetensors"
    save_restorer(path, restorer, provenance=facts)
    return path


def _settings(run: Run) -> dict:
    """The recipe without its data, whose locations are the trainer's own."""
    return {key: value for key, value in run.recipe.model_dump(mode="json").items() if key != "data"}
