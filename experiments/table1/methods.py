"""The systems of the paper's Table 1 and later networks: what trains each, its small form, and published scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Scores = tuple[float, float]  # accuracy, F1


@dataclass(frozen=True)
class Method:
    """A row of the table.

    Attributes:
        choices: words for `mer train` that choose it, with its published settings where it has some.
        small: words on top of them that let a processor core train it in minutes.
        published: dataset -> accuracy and F1.
        source: of these.
    """

    choices: Sequence[str]
    small: Sequence[str] = ()
    published: Mapping[str, Scores] = field(default_factory=dict)
    source: str = ""


TABLE_1 = "Table 1"
REFERENCE = "dual_branch"
FLOOR = "chance"
_NET = ("trainer.max_epochs=30", "batch_size=8", "recognition.optimizer.lr=1e-3")
_SOON = (*_NET[1:], "trainer.max_epochs=15")  # networks whose training loss levels out early
_PX_28 = ("features.size=28", *_NET)
_PX_160 = ("align.size_px=160", "features.size=160")  # patterns of grey values, which a smaller crop would blur
# A narrow VGG-16 of 64 px: at 32 px its five pools leave one place of the face.
_VGG = ("features.size=64", "features.frames=5", "model.widths=[8,16,16,16,32]", "model.hidden=64", "model.dropout=0.2")
_VGG = (*_VGG, "batch_size=8", "recognition.optimizer.lr=5e-4", "trainer.max_epochs=40")
_ELRCN = ("model.lstm_units=32", "model.dense_units=32", *_VGG)
# Each frame less the onset: from scratch, of so few clips, networks learn nothing of a movement from faces' own look.
_CHANGE = ("features.streams=[[change]]", "features.normalize=rms")
# Adam in the place of momentum: so few steps do not train it otherwise.
_ADAM = ("recognition=paper", "recognition.scheduler=null", "recognition.optimizer.lr=1e-3", "batch_size=8")

METHODS: Mapping[str, Method] = {
    "majority": Method(("model=majority",), ("features.size=28",)),
    "chance": Method(("model=chance",), ("features.size=28",)),
    "lbp_top": Method(("model=lbp_top",), _PX_160, {"smic": (0.434, 0.342), "casme2": (0.465, 0.424)}, TABLE_1),
    "fdm": Method(
        ("model=fdm",),
        ("features.size=96", "model.descriptor.frames=6"),
        {"smic": (0.549, 0.532), "casme2": (0.417, 0.297)},
        TABLE_1,
    ),
    "lbp_sip": Method(("model=lbp_sip",), _PX_160, {"smic": (0.445, 0.449), "casme2": (0.466, 0.448)}, TABLE_1),
    "bi_woof": Method(
        ("model=bi_woof",), ("features.size=96",), {"smic": (0.593, 0.620), "casme2": (0.579, 0.610)}, TABLE_1
    ),
    "elrcn_se": Method(("experiment=elrcn_se",), _ELRCN, {"casme2": (0.4715, 0.4547)}, "its authors"),
    "elrcn_te": Method(("experiment=elrcn_te",), _ELRCN, {"casme2": (0.524, 0.500)}, TABLE_1),
    "image_cnn": Method(
        ("experiment=image_cnn",),
        (*_CHANGE, *_VGG),
        {"smic": (0.531, 0.476), "casme2": (0.564, 0.507)},
        TABLE_1,
    ),
    REFERENCE: Method(
        ("model=dual_branch",),
        ("model.depth=2", "model.widths=[8,16]", "model.head_size=7", *_PX_28),
        {"smic": (0.545, 0.563), "casme2": (0.584, 0.528)},
        TABLE_1,
    ),
    "mdmo": Method(("model=mdmo",), ("features.size=96", "model.descriptor.frames=6")),
    "cnn_lstm": Method(
        ("experiment=cnn_lstm",),
        (
            *_CHANGE,
            "features.size=48",
            "model.hidden=64",
            "model.lstm_units=64",
            "model.dropout=0.2",
            "trainer.max_epochs=80",
            *_ADAM,
        ),
        {"casme2": (0.6098, float("nan"))},
        "its authors",
    ),
    "fcnn3d": Method(
        ("experiment=fcnn3d",),
        ("features.size=32", "features.frames=6", "model.grid_frames=1", "trainer.max_epochs=20", *_ADAM),
        {"smic": (0.5549, float("nan")), "casme2": (0.5911, float("nan"))},
        "its authors",
    ),
    "dssn": Method(
        ("model=dssn", "features=m_eps", "features.size=227"),
        ("features.size=63", "trainer.max_epochs=20", *_NET[1:]),
        {"smic": (0.6341, 0.6462), "casme2": (0.7078, 0.7297)},
        "a later table",
    ),
    "off_apexnet": Method(("experiment=off_apexnet_flow",), ("features.size=28", *_SOON)),
    "ststnet": Method(("experiment=ststnet_flow",), _PX_28),
    "dual_inception": Method(("experiment=dual_inception_flow",), ("features.size=28", *_SOON)),
    "rcn_a": Method(
        ("experiment=rcn_a_flow",), ("recognition.optimizer.lr=5e-3", "trainer.max_epochs=15", "batch_size=8")
    ),
    "flow_evm": Method(("experiment=flow_evm",), ("features.size=32", *_SOON)),
    "graph_tcn": Method(
        ("experiment=graph_tcn",),
        ("features.size=96", "features.frames=6", "model.widths=[8,8]", *_NET),
        {"casme2": (0.7398, 0.7246)},
        "a later table",
    ),
    "htnet": Method(("experiment=htnet_flow",), ("model.width=24", "model.repeats=[1,1,1]", *_PX_28)),
}
