"""Label schemes: what makes a clip's class, and which clips a protocol leaves out."""

from mer.labels.action_units import ActionUnitSets, OneActionUnit
from mer.labels.emotions import LabelScheme, RawEmotions
from mer.labels.objective import ObjectiveClasses
from mer.labels.published import Published, read_published

__all__ = [
    "ActionUnitSets",
    "LabelScheme",
    "ObjectiveClasses",
    "OneActionUnit",
    "Published",
    "RawEmotions",
    "read_published",
]
