"""The three datasets of MEGC2019's composite, side by side."""

from pathlib import Path

from tests.fakes.casme2 import write_casme2
from tests.fakes.samm import write_samm
from tests.fakes.smic import write_smic


def write_composite(root: Path) -> dict[str, Path]:
    """Write SMIC, CASME II and SAMM under ``root``; return name -> folder."""
    return {
        "smic": write_smic(root / "smic"),
        "casme2": write_casme2(root / "casme2"),
        "samm": write_samm(root / "samm"),
    }
