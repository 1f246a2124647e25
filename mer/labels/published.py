"""What a protocol's paper says of its clips, so that a user's own copy can be held against it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from mer.errors import MerError, require_integer

_REQUIRED = ("subjects", "classes", "source")
_OPTIONAL = ("per_subject",)
_MOST_CLIPS = 1_000_000


@dataclass(frozen=True)
class Published:
    """The published counts of one dataset under one label scheme.

    Attributes:
        subjects: number of subjects that have a clip; None where no source gives it.
        classes: class -> clips.
        source: where this is published.
        per_subject: subject -> clips; empty where it is not known.
    """

    subjects: int | None
    classes: Mapping[str, int]
    source: str
    per_subject: Mapping[str, int] = field(default_factory=dict)

    @property
    def clips(self) -> int:
        """Number of clips."""
        return sum(self.classes.values())


def read_published(
    published: Mapping[str, Mapping[str, Any]] | None, scheme: str, classes: Collection[str] | None = None
) -> dict[str, Published]:
    """Turn the ``published`` part of a label scheme's configuration into one ``Published`` a dataset.

    Args:
        published: dataset -> ``subjects``, ``classes``, ``source``, and ``per_subject`` where it is known.
        scheme: the scheme's name, for messages.
        classes: the scheme's classes where it names them.

    Raises:
        MerError: a key is missing or unknown, a count is no count, a class is not the scheme's, or counts disagree.
    """
    return {
        str(dataset): _read(entry, f"labels.published.{dataset} of {scheme}", classes)
        for dataset, entry in (published or {}).items()
    }


def _read(entry: Any, where: str, classes: Collection[str] | None) -> Published:
    wanted = f"{', '.join(_REQUIRED)} and, if known, {', '.join(_OPTIONAL)} in {where}"
    if not isinstance(entry, Mapping):
        raise MerError(wanted, repr(entry), "write it as a mapping")
    given = {str(key) for key in entry}
    if odd := sorted(given.difference(_REQUIRED, _OPTIONAL).union(set(_REQUIRED) - given)):
        raise MerError(wanted, f"missing or unknown: {', '.join(odd)}", "correct these keys")
    source = entry["source"]
    if not isinstance(source, str) or not source.strip():
        raise MerError(f"a source in {where}", repr(source), "say where the counts are published")
    subjects = entry["subjects"]
    found = Published(
        None if subjects is None else require_integer(f"{where}: subjects", subjects, 1, _MOST_CLIPS),
        _counts(entry["classes"], f"{where}: classes"),
        source,
        _counts(entry.get("per_subject") or {}, f"{where}: per_subject"),
    )
    _require_agreement(found, where, classes)
    return found


def _counts(entry: Any, where: str) -> dict[str, int]:
    if not isinstance(entry, Mapping):
        raise MerError(f"name: number of clips in {where}", repr(entry), "write it as a mapping")
    return {str(name): require_integer(f"{where}.{name}", count, 0, _MOST_CLIPS) for name, count in entry.items()}


def _require_agreement(found: Published, where: str, classes: Collection[str] | None) -> None:
    if classes is not None and (unknown := sorted(set(found.classes) - set(classes))):
        raise MerError(f"classes {', '.join(classes)} in {where}", ", ".join(unknown), "use the scheme's own classes")
    listed = (len(found.per_subject), sum(found.per_subject.values()))
    if found.per_subject and listed != (found.subjects, found.clips):
        wanted = f"{found.subjects} subjects and {found.clips} clips in {where}: per_subject"
        raise MerError(wanted, f"{listed[0]} and {listed[1]}", "correct the counts")
