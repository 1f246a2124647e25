"""What was injected and what came of it, counted."""

from dataclasses import dataclass, field, fields

from tests.faults.trees import Content


@dataclass
class Losses:
    """Counts of one fault.

    Attributes:
        tries: faults injected.
        runs: commands that were disturbed, started again and came to their end.
        half_written: files that the fault left unreadable.
        made_again: finished pieces of work that a later start made once more.
        differing: files that differ from an undisturbed command's.
        left_over: files that nobody needs, and that are there still when the command has ended.
        failed: commands that ended otherwise than they should.
    """

    tries: int = 0
    runs: int = 0
    half_written: list[str] = field(default_factory=list)
    made_again: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    left_over: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    @property
    def lines(self) -> dict[str, list[str]]:
        """Each kind of loss, and what it was."""
        kinds = [one.name for one in fields(self) if one.name not in ("tries", "runs")]
        return {kind: getattr(self, kind) for kind in kinds}

    @property
    def total(self) -> int:
        """All that was lost."""
        return sum(map(len, self.lines.values()))

    def compare(self, expected: Content, found: Content) -> None:
        """Count the files that differ, or that only one of both has."""
        names = set(expected) | set(found)
        self.differing += sorted(name for name in names if expected.get(name) != found.get(name))
