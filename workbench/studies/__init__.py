"""Studies: declared grids of runs whose numbers the documentation tells; a YAML file each, run by one command."""

from workbench.studies.declared import Study, load_study, study_names
from workbench.studies.running import run_study

__all__ = ["Study", "load_study", "run_study", "study_names"]
