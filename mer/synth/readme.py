"""README.txt of a synthetic data set: what it is, what it is not, and the settings that made it."""

from mer.synth.settings import Settings

FIRST_LINE = "Synthetic micro-expression clips, written by mer synth"


def readme_text(words: str, layout: str, settings: Settings) -> str:
    """Text of the data set's README.txt; the same settings give the same text."""
    width, height = settings.frame_size
    return f"""{FIRST_LINE}

These are not recordings of people. Every frame is one portrait (the astronaut Eileen Collins, NASA, public
domain), made into {settings.subjects} made-up subjects and moved by computed displacements of action units.
They are for tests, demonstrations and measurements of error: not for training systems to be used on people,
and a score on them is not a score on the dataset whose layout this is.

{layout}
Added beside it, in the spelling of mer's adapter of this dataset:
truth.csv: onset, apex and offset frame, action units, emotion, longest displacement in px, of each clip.
landmarks.csv: the true 68 iBUG landmarks on each onset frame, px, x right, y down, first px centred at 0.
true_flow/<subject>/<clip>.npy: the true flow from onset to apex on the onset frame's px, float16,
(2, {height}, {width}), px, channel 0 right, channel 1 down.

To read it: mer check {words} dataset.root=DIR

{settings.lines()}"""
