"""Draw conjugate gradient beside steepest descent, twice (notebook 04): python images/draw_cg_path.py."""

import math

import svg
import torch

from trpo_lib import conjugate_gradient

A, B = torch.tensor([[3.25, 2.75], [2.75, 3.25]], dtype=torch.float64), torch.tensor([0.0, 1.0], dtype=torch.float64)
STEPS, HEIGHT = 12, 275


def paths() -> tuple[torch.Tensor, torch.Tensor]:
    """The corners of both paths, from 0: conjugate gradient's three, steepest descent's thirteen."""
    straight = [torch.zeros(2)] + [conjugate_gradient(A.mv, B, max_iterations=k).x for k in (1, 2)]
    zigzag = [torch.zeros(2)]
    for _ in range(STEPS):
        r = B - A @ zigzag[-1]
        zigzag.append(zigzag[-1] + (r @ r) / (r @ A @ r) * r)
    return torch.stack(straight), torch.stack(zigzag)


def right_angle(picture: svg.Picture, corners: list[tuple[float, float]], ink: str, size: float = 9) -> None:
    """The sign of a right angle at the middle of three corners."""
    (x0, y0), (x, y), (x1, y1) = corners
    (a, b), (c, d) = ((u / math.hypot(u, v), v / math.hypot(u, v)) for u, v in ((x0 - x, y0 - y), (x1 - x, y1 - y)))
    assert abs(a * c + b * d) < 1e-9, "not a right angle"
    points = [(x + size * a, y + size * b), (x + size * (a + c), y + size * (b + d)), (x + size * c, y + size * d)]
    picture.line(points, ink, width=1.3)


def main() -> None:
    """Left as it is, right where the bowl is round."""
    torch.set_default_dtype(torch.float64)
    straight, zigzag = paths()
    solution = torch.linalg.solve(A, B)
    assert torch.allclose(straight[-1], solution), "two steps must be enough in two dimensions"
    eigenvalues, vectors = torch.linalg.eigh(A)
    root = vectors @ eigenvalues.sqrt().diag() @ vectors.T

    picture = svg.Picture(880, 405, "Conjugate gradient needs two steps where steepest descent zigzags for ever")
    views = (
        ("the bowl as it is", torch.eye(2), (-1.55, 0.75), -0.17, 35),
        ("stretched until the bowl is round", root, (-1.43, 1.17), -0.36, 460),
    )
    for name, view, xlim, low, left in views:
        high = low + HEIGHT / 385 * (xlim[1] - xlim[0])  # the same scale both ways, or angles would lie
        panel = svg.Panel(picture, left, 58, 385, HEIGHT, xlim, (low, high))
        picture.text(left + 192, 34, name, size=16, font_weight="bold")
        angle = torch.linspace(0, 2 * math.pi, 120)
        ring = torch.stack([angle.cos(), angle.sin()])
        for level in (0.16, 0.4, 0.7, 1.0):
            height = level * (solution @ A @ solution).sqrt()
            oval = view @ (solution[:, None] + torch.linalg.solve(root, height * ring))
            inside = [(x, y) for x, y in zip(*oval.tolist(), strict=True)]
            picture.line([panel.at(x, y) for x, y in inside], svg.RULE, width=1.3, clip_path=f"url(#card{left})")
        picture.add(
            "clipPath",
            f'<rect x="{left}" y="58" width="385" height="{HEIGHT}"/>',
            id=f"card{left}",
        )
        red, blue = (panel.points(*(view @ path.T)) for path in (zigzag, straight))
        picture.line(red, svg.VERMILLION)
        for point in red[1:]:
            picture.dot(point, svg.VERMILLION, 3)
        picture.line(blue, svg.BLUE, width=3)
        for point in blue[:2]:
            picture.dot(point, svg.BLUE, 5.5)
        star(picture, blue[-1])
        if view is root:
            right_angle(picture, blue, svg.BLUE)
        else:
            right_angle(picture, red[1:4], svg.VERMILLION)
        x, y = blue[0]
        picture.text(x + 12, y + 5, "x_{0} = 0", anchor="start", ink=svg.SOFT)
    picture.line([(60, 365), (90, 365)], svg.VERMILLION)
    picture.text(98, 369, "steepest descent: right angles as the bowl is,", anchor="start")
    picture.text(98, 387, f"and still not there after {STEPS} steps", anchor="start")
    picture.line([(485, 365), (515, 365)], svg.BLUE, width=3)
    picture.text(523, 369, "conjugate gradient: right angles where the", anchor="start")
    picture.text(523, 387, "bowl is round, p_{0}^{T}A p_{1} = 0, and there in two", anchor="start")
    picture.save("cg_path")


def star(picture: svg.Picture, centre: tuple[float, float], radius: float = 10) -> None:
    """The solution."""
    corners = []
    for k in range(10):
        r, angle = radius if k % 2 == 0 else 0.42 * radius, math.pi * k / 5
        corners.append((centre[0] + r * math.sin(angle), centre[1] - r * math.cos(angle)))
    picture.area(corners, svg.INK, 1)


if __name__ == "__main__":
    main()
