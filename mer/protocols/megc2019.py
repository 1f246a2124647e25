"""MEGC2019's composite evaluation: LOSO over the subjects of several datasets in three classes."""

import pandas as pd

from mer.clip import ClipIndex
from mer.errors import MerError
from mer.protocols.folds import Fold, loso, table_of

CLASSES = ("negative", "positive", "surprise")


def megc2019(clips: pd.DataFrame | ClipIndex) -> list[Fold]:
    """One fold a subject of any dataset; the scores are pooled over all of them, and told for each dataset besides.

    See et al., "MEGC 2019 - the second facial micro-expressions grand challenge", FG 2019,
    doi 10.1109/FG.2019.8756611: SMIC, CASME II and SAMM, 442 clips, 68 subjects. Which datasets are joined is
    ``dataset=``'s choice; the score of a dataset is that of the pooled predictions on its clips.

    Raises:
        MerError: the labels are not the three classes, or there is one dataset alone.
    """
    table = table_of(clips)
    found = sorted(set(table["label"]))
    if found != list(CLASSES):
        raise MerError(f"clips of the classes {', '.join(CLASSES)}", ", ".join(found) or "none", "set labels=megc3")
    datasets = sorted(set(table["dataset"]))
    if len(datasets) < 2:
        remedy = "join datasets with dataset=composite or dataset.roots=, or choose protocol=loso"
        raise MerError("two datasets or more for protocol=megc2019", f"{', '.join(datasets)} alone", remedy)
    return loso(table)
