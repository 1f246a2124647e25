"""Hand-crafted descriptors of clips, the rivals in the paper's Table 1 and MDMO, and their classifiers."""

from mer.handcrafted.bi_woof import BiWoof, bi_woof
from mer.handcrafted.classifiers import Chance, Majority, SubjectSVM
from mer.handcrafted.fdm import FacialDynamicsMap, facial_dynamics_map
from mer.handcrafted.lbp_sip import LBPSip, lbp_sip
from mer.handcrafted.lbp_top import LBPTop, lbp_top
from mer.handcrafted.mdmo import Mdmo, mdmo
from mer.handcrafted.model import DescriptorModel
from mer.tim import temporal_interpolation

__all__ = [
    "BiWoof",
    "Chance",
    "DescriptorModel",
    "FacialDynamicsMap",
    "LBPSip",
    "LBPTop",
    "Majority",
    "Mdmo",
    "SubjectSVM",
    "bi_woof",
    "facial_dynamics_map",
    "lbp_sip",
    "lbp_top",
    "mdmo",
    "temporal_interpolation",
]
