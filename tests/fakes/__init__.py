"""Tiny noise in the true layout of each dataset: ``write_<dataset>(root)``."""

from tests.fakes.casme import CasmeRow, write_casme
from tests.fakes.casme2 import Casme2Row, casme2_rows, write_casme2
from tests.fakes.casme3 import Casme3CRow, Casme3Row, write_casme3, write_casme3_c
from tests.fakes.coded import CodedFake, write_images, write_video
from tests.fakes.composite import write_composite
from tests.fakes.flow_images import write_flow_images
from tests.fakes.folder import FolderRow, write_folder
from tests.fakes.fourdme import FourDmeRow, write_fourdme
from tests.fakes.landmarks import face_points, write_landmarks
from tests.fakes.mmew import MmewRow, write_mmew
from tests.fakes.samm import SammRow, write_samm
from tests.fakes.smic import SmicRow, smic_rows, write_smic
from tests.fakes.workbook import write_workbook

__all__ = [
    "Casme2Row",
    "Casme3CRow",
    "Casme3Row",
    "CasmeRow",
    "CodedFake",
    "FolderRow",
    "FourDmeRow",
    "MmewRow",
    "SammRow",
    "SmicRow",
    "casme2_rows",
    "face_points",
    "smic_rows",
    "write_casme",
    "write_casme2",
    "write_casme3",
    "write_casme3_c",
    "write_composite",
    "write_flow_images",
    "write_folder",
    "write_fourdme",
    "write_images",
    "write_landmarks",
    "write_mmew",
    "write_samm",
    "write_smic",
    "write_video",
    "write_workbook",
]
