"""Five pictures with one number that the reader moves, one for each of the notebooks 02 to 06.

Each function shows a slider over a picture that is drawn anew at every move. Where no slider can live (on GitHub, on
a slide, on paper) the same cell shows the same picture at three positions of the slider.
"""

from trpo_lib.classroom.sliders._bias_variance import bias_variance
from trpo_lib.classroom.sliders._damping import damping
from trpo_lib.classroom.sliders._gaussian_kl import gaussian_kl
from trpo_lib.classroom.sliders._scene import WIDGET_VIEW
from trpo_lib.classroom.sliders._step_fraction import step_fraction
from trpo_lib.classroom.sliders._trust_region import trust_region

__all__ = ["WIDGET_VIEW", "bias_variance", "damping", "gaussian_kl", "step_fraction", "trust_region"]
