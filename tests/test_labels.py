"""Label schemes keep, drop and refuse clips as their configuration says."""

import pytest

from mer.clip import ClipIndex, Note, clip_index
from mer.errors import MerError
from mer.labels import LabelScheme
from tests.conftest import LabelsOf

RAW_CASME2 = ("others", "disgust", "happiness", "repression", "surprise", "sadness", "fear")
SCHEME = LabelScheme("two", {"good": ["happiness", "joy"], "bad": ["fear"]}, drop=["others"])


def index_of(*labels: str, dataset: str = "casme2", notes: tuple[Note, ...] = ()) -> ClipIndex:
    """Clips ``<dataset>/sub01/<number>`` with these raw labels."""
    name = {"dataset": dataset, "subject": "sub01", "fps": 200, "onset": 1, "apex": 2, "offset": 2}
    rows = [
        name | {"clip": str(number), "label": label, "action_units": "", "files": ("a", "b")}
        for number, label in enumerate(labels)
    ]
    return clip_index(rows, notes)


def test_raw_emotions_become_their_class() -> None:
    assert SCHEME.apply(index_of("joy", "fear", "happiness")).clips["label"].tolist() == ["good", "bad", "good"]


def test_classes_keep_the_order_of_the_configuration() -> None:
    assert SCHEME.classes == ["good", "bad"]
    assert SCHEME.apply(index_of("fear")).classes == ("good", "bad")


def test_dropped_emotion_leaves_without_a_note() -> None:
    index = SCHEME.apply(index_of("others", "fear", "others"))
    assert index.clips["clip"].tolist() == ["1"]
    assert index.clips.index.tolist() == [0]
    assert index.notes == ()


def test_unknown_label_is_refused_and_noted() -> None:
    earlier = Note("casme2/sub01/9", "repaired", "apex")
    index = SCHEME.apply(index_of("joy", "boredom", notes=(earlier,)))
    assert len(index) == 1
    assert index.notes == (
        earlier,
        Note("casme2/sub01/1", "refused", "unknown label 'boredom' for labels=two"),
    )


def test_drop_in_drops_in_its_dataset_alone() -> None:
    scheme = LabelScheme("two", {"good": ["joy"], "bad": ["fear"]}, drop_in={"casme2": ["fear"]})
    assert len(scheme.apply(index_of("joy", "fear", dataset="casme2"))) == 1
    assert len(scheme.apply(index_of("joy", "fear", dataset="samm"))) == 2


def test_leave_out_drops_the_clip_of_that_name_alone() -> None:
    scheme = LabelScheme("two", {"good": ["joy"], "bad": ["fear"]}, leave_out=["casme2/sub01/1"])
    index = scheme.apply(index_of("joy", "joy", "joy"))
    assert index.clips["clip"].tolist() == ["0", "2"]
    assert index.notes == ()


def test_index_given_is_left_alone() -> None:
    index = index_of("joy", "others")
    SCHEME.apply(index)
    assert index.clips["label"].tolist() == ["joy", "others"]


def test_nothing_left_is_an_error_that_names_what_was_found() -> None:
    message = r"labels known to labels=two \(happiness, joy, fear\); got calm, others; choose labels="
    with pytest.raises(MerError, match=message):
        SCHEME.apply(index_of("others", "calm"))


def test_scheme_of_one_class_is_refused() -> None:
    with pytest.raises(MerError, match=r"two classes or more; got 1; name them in labels\.classes of one"):
        LabelScheme("one", {"good": ["joy"]})


def test_casme2_scheme_has_the_papers_five_classes(labels_of: LabelsOf) -> None:
    scheme = labels_of("casme2")
    assert scheme.classes == ["disgust", "repression", "surprise", "happiness", "others"]
    index = scheme.apply(index_of(*RAW_CASME2))
    assert index.clips["label"].tolist() == ["others", "disgust", "happiness", "repression", "surprise"]
    assert index.notes == ()


def test_megc3_merges_to_three_classes_and_drops_sadness_and_fear_of_casme2(labels_of: LabelsOf) -> None:
    scheme = labels_of("megc3")
    assert scheme.classes == ["negative", "positive", "surprise"]
    index = scheme.apply(index_of(*RAW_CASME2))
    assert index.clips["label"].tolist() == ["negative", "positive", "negative", "surprise"]
    assert index.notes == ()


def test_megc3_keeps_sadness_and_fear_of_samm(labels_of: LabelsOf) -> None:
    raw = ("anger", "contempt", "disgust", "fear", "sadness", "other", "happiness", "surprise")
    index = labels_of("megc3").apply(index_of(*raw, dataset="samm"))
    assert index.clips["label"].tolist() == [*["negative"] * 5, "positive", "surprise"]
    assert index.notes == ()


def test_megc3_merges_the_spellings_of_other_datasets(labels_of: LabelsOf) -> None:
    raw = ("happy", "sad", "others", "tense", "contempt", "surprise")
    index = labels_of("megc3").apply(index_of(*raw, dataset="casme3"))
    assert index.clips["label"].tolist() == ["positive", "negative", "negative", "surprise"]
    assert index.notes == ()


def test_flow_images_scheme_keeps_the_three_classes_as_they_are(labels_of: LabelsOf) -> None:
    raw = ["surprise", "negative", "positive"]
    assert labels_of("flow_images").apply(index_of(*raw, dataset="smic")).clips["label"].tolist() == raw


def test_index_of_refused_clips_alone_says_why() -> None:
    notes = (Note("casme2/sub01/a", "repaired", "apex"), Note("casme2/sub01/b", "refused", "no frames on disk"))
    with pytest.raises(MerError, match="none, 1 refused, the first: refused casme2/sub01/b: no frames on disk"):
        SCHEME.apply(ClipIndex(index_of().clips, notes))


def test_emotion_in_two_classes_is_refused() -> None:
    with pytest.raises(MerError, match="joy in two"):
        LabelScheme("mine", {"good": ["joy"], "high": ["joy", "awe"]})
