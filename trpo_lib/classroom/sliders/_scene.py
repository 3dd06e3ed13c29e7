"""A picture that depends on one number: drawn at a few of its values, or under a slider."""

import base64
import importlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
MISSING = (
    "The slider needs ipywidgets, which is not installed: run `pip install ipywidgets` and restart the kernel; "
    "the picture shows three of its positions."
)


@dataclass(frozen=True)
class Scene:
    """Two panels and the number that moves something in them.

    Attributes:
        title: what is shown, in words.
        label: the number's name beside the slider.
        values: its positions.
        stills: the three of them that stand for all where there is no slider; it starts at the second.
        frame: (two axes) draws what stays, and sets labels and limits.
        draw: (two axes, value) adds what moves, and sets the titles.
        text: the format of a value.
    """

    title: str
    label: str
    values: Sequence[float]
    stills: tuple[float, float, float]
    frame: Callable[[Sequence[Axes]], None]
    draw: Callable[[Sequence[Axes], float], None]
    text: str = "{:.3g}"


def show(scene: Scene) -> None:
    """Show the slider; without ipywidgets, a sentence and the stills."""
    try:
        # By name: optional, so no dependency of the package. IPython comes with it.
        widgets, display = importlib.import_module("ipywidgets"), importlib.import_module("IPython.display")
    except ImportError:
        print(MISSING)
        stills(scene)
        plt.show()
        return
    moving = Moving(scene)
    options = [(scene.text.format(value), value) for value in scene.values]
    layout = widgets.Layout(width="36em", max_width="100%")
    slider = widgets.SelectionSlider(options=options, value=scene.stills[1], description=scene.label, layout=layout)
    image = widgets.Image(value=moving.png(slider.value), format="png", layout=widgets.Layout(max_width="100%"))

    def move(change) -> None:
        image.value = moving.png(change["new"])

    slider.observe(move, "value")
    live = widgets.VBox([slider, image])._repr_mimebundle_()[WIDGET_VIEW]
    # One output in three forms. A notebook takes the slider; `execute` stores the other two, and GitHub shows the PNG.
    figure = stills(scene)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    still = base64.b64encode(as_png(canvas, compress_level=9)).decode()
    plt.close(figure)
    words = f"{scene.title}, at {scene.label} = {', '.join(map(scene.text.format, scene.stills))}"
    display.display({"text/plain": words, "image/png": still, WIDGET_VIEW: live}, raw=True)


class Moving:
    """One figure of which layout, axes and all that stays are drawn once; a move draws only what moves on top."""

    def __init__(self, scene: Scene):
        self.scene = scene
        self.figure = Figure(figsize=(9.5, 4.0))
        self.canvas = FigureCanvasAgg(self.figure)
        self.axes = self.figure.subplots(1, 2)
        scene.frame(self.axes)
        self.fixed = {child for ax in self.axes for child in ax.get_children()}
        scene.draw(self.axes, scene.stills[1])
        _legend(self.figure, self.axes)
        self.canvas.draw()
        self.figure.set_layout_engine("none")
        self._remove_what_moves()
        self.canvas.draw()
        self.background = self.canvas.copy_from_bbox(self.figure.bbox)

    def png(self, value: float) -> bytes:
        """The picture at a value."""
        self.canvas.restore_region(self.background)
        self.scene.draw(self.axes, value)
        for ax in self.axes:
            for child in sorted([*self._moving(ax), ax.title], key=lambda artist: artist.zorder):
                ax.draw_artist(child)
        self._remove_what_moves()
        return as_png(self.canvas)

    def _moving(self, ax: Axes) -> list[Artist]:
        return [child for child in ax.get_children() if child not in self.fixed]

    def _remove_what_moves(self) -> None:
        for ax in self.axes:
            ax.set_title("")
            for child in self._moving(ax):
                child.remove()


def stills(scene: Scene) -> Figure:
    """The picture at three positions of the slider, side by side."""
    figure = plt.figure(figsize=(9.5, 6.4))
    axes = figure.subplots(2, 3, sharey="row")
    for column, value in zip(axes.T, scene.stills, strict=True):
        scene.frame(column)
        scene.draw(column, value)
    for ax in axes[:, 1:].flat:
        ax.set_ylabel("")
    _legend(figure, axes[:, 0])
    return figure


def as_png(canvas: FigureCanvasAgg, compress_level: int = 1) -> bytes:
    """What is drawn on a canvas, as the bytes of a PNG file. (`savefig` would draw it twice more.)"""
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(canvas.buffer_rgba())).save(buffer, "PNG", compress_level=compress_level)
    return buffer.getvalue()


def _legend(figure: Figure, axes: Sequence[Axes]) -> None:
    """One legend for both panels, below them."""
    handles = {}
    for ax in axes:
        handles |= dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=min(len(handles), 4))
