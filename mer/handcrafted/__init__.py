"""Hand-crafted descriptors of clips, the rivals in the paper's Table 1 and MDMO, and their classifiers."""

from mer.handcrafted.bi_woof import BiWoof, bi_woof
from mer.handcrafted.classifiers import Chance, Majority, SubjectSVM
from mer.handcrafted.fdm import facial_dynamics_map
from mer.handcrafted.lbp_sip import lbp_sip
from mer.handcrafted.lbp_top import lbp_top
from mer.handcrafted.mdmo import mdmo
from mer.handcrafted.model import DescriptorModel
from mer.tim import temporal_interpolation

__all__ = [
    "BiWoof",
    "Chance",
    "DescriptorModel",
    "Majority",
    "SubjectSVM",
    "bi_woof",
    "facial_dynamics_map",
    "lbp_sip",
    "lbp_top",
    "mdmo",
    "temporal_interpolation",
]
