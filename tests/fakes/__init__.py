"""Tiny noise in the true layout of each dataset: ``write_<dataset>(root)``."""

from tests.fakes.casme2 import Casme2Row, casme2_rows, write_casme2
from tests.fakes.flow_images import write_flow_images
from tests.fakes.landmarks import face_points, write_landmarks

__all__ = ["Casme2Row", "casme2_rows", "face_points", "write_casme2", "write_flow_images", "write_landmarks"]
