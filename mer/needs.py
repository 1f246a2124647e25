"""What a features module or a descriptor asks the path for, beside the flow from onset to magnified apex."""

from collections.abc import Mapping
from dataclasses import dataclass

from mer.errors import MerError, require_choice, require_integer

# Each is the field of that name of mer.flow.FlowMaps, which says its shape.
NEEDS: Mapping[str, str] = {
    "apex": "the magnified apex frame",
    "landmarks": "the 68 landmarks of the onset frame",
    "frames": "the clip's aligned crops, brought to `frames` of them by temporal interpolation",
    "frame_flow": "the flow from each of these frames to the next",
    "onset_flow": "the flow from the first of these frames to each later one",
    "unmagnified_flow": "the flow from onset to apex as filmed",
}
_OF_WHOLE_CLIPS = frozenset({"frames", "frame_flow", "onset_flow"})


@dataclass(frozen=True)
class Needs:
    """What one part of the configuration needs.

    Attributes:
        names: of :data:`NEEDS`.
        n_frames: that clips are brought to; None where nothing of ``names`` is of whole clips.
    """

    names: frozenset[str] = frozenset()
    n_frames: int | None = None

    @classmethod
    def of(cls, part: object) -> "Needs":
        """The needs that ``part`` declares by its attributes ``needs`` and ``frames``; without them, the flow alone.

        Raises:
            MerError: a need that is none, or one of whole clips without a number of frames.
        """
        names = frozenset(getattr(part, "needs", ()))
        for name in names:
            require_choice(f"each of {type(part).__name__}.needs", name, NEEDS)
        if not names & _OF_WHOLE_CLIPS:
            return cls(names)
        return cls(names, require_integer(f"{type(part).__name__}.frames", getattr(part, "frames", None), 2, 10_000))

    def refuse_flow_images(self) -> None:
        """Raise unless flow is all that is needed.

        Raises:
            MerError: something needs frames.
        """
        if self.names:
            what = ", ".join(NEEDS[name] for name in sorted(self.names))
            raise MerError(f"clips of frames for {what}", "flow images", "choose model= and features= of the flow")

    def refuse_without_landmarks(self, finds_landmarks: bool) -> None:
        """Raise where landmarks are needed and the aligner finds none.

        Raises:
            MerError: so it is.
        """
        if "landmarks" in self.names and not finds_landmarks:
            raise MerError(NEEDS["landmarks"], "align=none, which finds none", "set align=fan, dlib or given")
