"""Answers to notebook 04's exercises: right ones in unusual forms; wrong ones, each with a part of its message."""

import math

import numpy as np
import torch

from trpo_lib import conjugate_gradient


# Exercise 1
def _enough(values, components, damping, tolerance, *, log=math.log, root=math.sqrt):
    kept = [v for v, c in zip(values.tolist(), components.tolist(), strict=True) if c != 0]
    if not kept:
        return 0
    kappa = (max(kept) + damping) / (min(kept) + damping)
    if kappa == 1:
        return 1
    t = (root(kappa) + 1) / (root(kappa) - 1)
    return min(len(set(kept)), math.ceil(log(2 / tolerance) / log(t)))


def _counted_up(values, components, damping, tolerance):
    kept = values[components != 0] + damping
    if not kept.numel():
        return 0
    root, k = (kept.max() / kept.min()).sqrt(), 0
    distinct = kept.unique().numel()
    while k < distinct and 2 * ((root - 1) / (root + 1)) ** k > tolerance:
        k += 1
    return k


def _as_tensor(values, components, damping, tolerance):
    return torch.tensor([_enough(values, components, damping, tolerance)])


def _as_numpy(values, components, damping, tolerance):
    return np.int64(_enough(values.numpy(), components.numpy(), damping, tolerance))


def _as_float(values, components, damping, tolerance):
    return float(_enough(values, components, damping, tolerance, log=math.log10))


def _numpy_unique(values, components, damping, tolerance):
    kept = np.unique((values.numpy() + damping)[components.numpy() != 0])
    if kept.size < 2:
        return kept.size
    root = np.sqrt(kept[-1] / kept[0])
    return min(kept.size, np.ceil(np.log(tolerance / 2) / np.log((root - 1) / (root + 1))))


def _all_distinct(values, components, damping, tolerance):
    return len(values.unique())


def _all(values, components, damping, tolerance):
    return min(len(values), _enough(values, torch.ones_like(components), damping, tolerance))


def _no_two(values, components, damping, tolerance):
    return _enough(values, components, damping, 2 * tolerance)


def _negative_components(values, components, damping, tolerance):
    return _enough(values[components > 0], components[components > 0], damping, tolerance)


def _forgot_return(values, components, damping, tolerance):
    _enough(values, components, damping, tolerance)


def _no_rounding(values, components, damping, tolerance):
    kept = values[components != 0] + damping
    if len(kept.unique()) < 2:
        return len(kept.unique())
    root = (kept.max() / kept.min()).sqrt()
    return min(len(kept.unique()), math.log(2 / tolerance) / ((root + 1) / (root - 1)).log().item())


def _writes_into(values, components, damping, tolerance):
    values += damping
    return _enough(values - damping, components, damping, tolerance)


# Exercise 2
def _mended(matvec, b, iterations):
    x, r, p = torch.zeros_like(b), b.clone(), b.clone()
    r_dot_r = r @ r
    for _ in range(iterations):
        if r_dot_r == 0:
            break
        a_p = matvec(p)
        alpha = r_dot_r / (p @ a_p)
        x += alpha * p
        r -= alpha * a_p
        before, r_dot_r = r_dot_r, r @ r
        p = r + r_dot_r / before * p
    return x


def _relative(matvec, b, iterations):
    x, r, p = 0 * b, b, b
    for _ in range(iterations):
        if r.norm() <= 1e-14 * b.norm():
            return x
        a_p = matvec(p)
        alpha = r.dot(r) / p.dot(a_p)
        x, new = x + alpha * p, r - alpha * a_p
        p, r = new + new.dot(new) / r.dot(r) * p, new
    return x


def _recursive(matvec, b, iterations):
    def go(x, r, p, k):
        if k == 0 or not r.any():
            return x
        a_p = matvec(p)
        alpha = (p @ r) / (p @ a_p)
        new = r - alpha * a_p
        return go(x + alpha * p, new, new - (new @ a_p) / (p @ a_p) * p, k - 1)

    return go(torch.zeros_like(b), b, b, iterations)


def _library(matvec, b, iterations):
    return conjugate_gradient(matvec, b, max_iterations=iterations, relative_tolerance=0.0).x


def _krylov(matvec, b, iterations):
    vectors = [b / b.norm().clamp_min(1e-300)]
    for _ in range(iterations - 1):
        v = matvec(vectors[-1])
        for _ in range(2):
            for old in vectors:
                v = v - (old @ v) * old
        if v.norm() < 1e-12:
            break
        vectors.append(v / v.norm())
    basis = torch.stack(vectors, 1)
    small = basis.T @ torch.stack([matvec(v) for v in vectors], 1)
    return basis @ (torch.linalg.pinv(small) @ (basis.T @ b))


def _as_list(matvec, b, iterations):
    return _mended(matvec, b, iterations).tolist()


def _broken(matvec, b, iterations, *, clone=False, keep=False, test=False, ruin=False):
    x, r = torch.zeros_like(b), (b if ruin else b.clone())
    p = r.clone() if clone else r
    r_dot_r = r @ r
    for _ in range(iterations):
        if test and r_dot_r == 0:
            break
        a_p = matvec(p)
        alpha = r_dot_r / (p @ a_p)
        x += alpha * p
        r -= alpha * a_p
        before, r_dot_r = r_dot_r, r @ r
        p = r + ((r_dot_r / before) if keep else (r @ r / r_dot_r)) * p
    return x


def _only(**mended):
    return lambda matvec, b, iterations: _broken(matvec, b, iterations, **mended)


def _small_is_zero(matvec, b, iterations):
    x, r, p = torch.zeros_like(b), b.clone(), b.clone()
    for _ in range(iterations):
        if r.norm() < 1e-8:
            break
        a_p, before = matvec(p), r @ r
        alpha = before / (p @ a_p)
        x, r = x + alpha * p, r - alpha * a_p
        p = r + (r @ r) / before * p
    return x


def _whole_solve(matvec, b, iterations):
    A = torch.stack([matvec(e) for e in torch.eye(len(b), dtype=b.dtype)])
    return torch.linalg.solve(A, b)


def _residual(matvec, b, iterations):
    return b - matvec(_mended(matvec, b, iterations))


def _returns_nothing(matvec, b, iterations):
    _mended(matvec, b, iterations)


# Exercise 3
def _dense(logits, jacobians, v):
    total = 0
    for z, J in zip(logits, jacobians, strict=True):
        p = torch.sigmoid(z)
        total = total + J.T @ torch.diag(p * (1 - p)) @ J @ v
    return total / len(logits)


def _whitened(logits, jacobians, v):
    root = -(logits.sigmoid() * (-logits).sigmoid()).sqrt()[..., None] * jacobians  # the negative root
    flat = root.flatten(0, 1)
    return flat.T @ (flat @ v) / len(logits)


def _coins_numpy(logits, jacobians, v):
    p = 1 / (1 + np.exp(-np.clip(logits.numpy(), -700, 700)))
    return np.einsum("bnp,bn,bnq,q->p", jacobians.numpy(), p * (1 - p), jacobians.numpy(), v.numpy()) / len(p)


def _coins_float(logits, jacobians, v):
    return _dense(logits.float(), jacobians.float(), v.float())


def _autograd(logits, jacobians, v):
    def kl(theta):
        z = logits + jacobians @ theta
        p = logits.sigmoid()
        return (torch.nn.functional.softplus(z) - p * z).sum(-1).mean()

    zero = torch.zeros_like(v)
    return torch.autograd.functional.hvp(kl, zero, v)[1]


def _coins_list(logits, jacobians, v):
    return _dense(logits, jacobians, v).tolist()


def _weighted(power=1.0, *, total=False, coins=False):
    def answer(logits, jacobians, v):
        weight = (logits.sigmoid() * (-logits).sigmoid()) ** power
        result = torch.einsum("bnp,bn,bnq,q->p", jacobians, weight, jacobians, v)
        return result if total else result / (logits.numel() if coins else len(logits))

    return answer


def _heads_only(logits, jacobians, v):
    return torch.einsum("bnp,bn->p", jacobians, logits.sigmoid() * (jacobians @ v)) / len(logits)


def _categorical(logits, jacobians, v):
    p = logits.softmax(-1)
    M = torch.diag_embed(p) - p[:, :, None] * p[:, None]
    return torch.einsum("bnp,bnm,bmq,q->p", jacobians, M, jacobians, v) / len(logits)


def _form(logits, jacobians, v):
    return v @ _dense(logits, jacobians, v)


def _negative(logits, jacobians, v):
    return -_dense(logits, jacobians, v)


def _whole_matrix(logits, jacobians, v):
    weight = logits.sigmoid() * (-logits).sigmoid()
    return torch.einsum("bnp,bn,bnq->pq", jacobians, weight, jacobians) / len(logits)


def _pushed(logits, jacobians, v):
    return jacobians @ v


# Exercise 4
def _split(A, b, diagonal, iterations):
    scale = torch.diag(diagonal.rsqrt())
    return scale @ conjugate_gradient((scale @ A @ scale).mv, scale @ b, max_iterations=iterations).x


def _with_z(A, b, diagonal, iterations):
    x, r = torch.zeros_like(b), b.clone()
    z = r / diagonal
    p = z.clone()
    for _ in range(iterations):
        a_p, before = A @ p, r @ z
        alpha = before / (p @ a_p)
        x, r = x + alpha * p, r - alpha * a_p
        z = r / diagonal
        p = z + (r @ z) / before * p
    return x


def _divided(A, b, diagonal, iterations):
    scaled = A / torch.sqrt(diagonal[:, None] * diagonal)
    y = conjugate_gradient(scaled.mv, b / diagonal.sqrt(), max_iterations=iterations).x
    return (y / diagonal.sqrt()).numpy()


def _best_in_span(A, b, diagonal, iterations):
    vectors = [b / diagonal]
    for _ in range(iterations - 1):
        vectors.append(A @ vectors[-1] / diagonal)
    basis = torch.linalg.qr(torch.stack(vectors, 1))[0]
    return basis @ torch.linalg.solve(basis.T @ A @ basis, basis.T @ b)


def _other_root(A, b, diagonal, iterations):
    root = -diagonal.sqrt()
    y = conjugate_gradient(lambda v: A @ (v / root) / root, b / root, max_iterations=iterations).x
    return (y / root).tolist()


def _plain(A, b, diagonal, iterations):
    return conjugate_gradient(A.mv, b, max_iterations=iterations).x


def _stays_in_y(A, b, diagonal, iterations):
    return diagonal.sqrt() * _split(A, b, diagonal, iterations)


def _plain_right_side(A, b, diagonal, iterations):
    root = diagonal.sqrt()
    return conjugate_gradient(lambda v: A @ (v / root) / root, b, max_iterations=iterations).x / root


def _one_sided(A, b, diagonal, iterations):
    return conjugate_gradient(lambda v: A @ v / diagonal, b / diagonal, max_iterations=iterations).x


def _no_root(A, b, diagonal, iterations):
    return _split(A, b, diagonal**2, iterations)


def _inverse_root(A, b, diagonal, iterations):
    return _split(A, b, 1 / diagonal, iterations)


def _exact(A, b, diagonal, iterations):
    return torch.linalg.solve(A, b)


def _default_iterations(A, b, diagonal, iterations):
    return _split(A, b, diagonal, 10)


def _jacobi(A, b, diagonal, iterations):
    return b / diagonal


def _result_itself(A, b, diagonal, iterations):
    return conjugate_gradient(A.mv, b, max_iterations=iterations)


def _forgets(A, b, diagonal, iterations):
    _split(A, b, diagonal, iterations)


RIGHT = {
    "iterations_enough": [_enough, _counted_up, _as_tensor, _as_numpy, _as_float, _numpy_unique],
    "mended_cg": [_mended, _relative, _recursive, _library, _krylov, _as_list],
    "coin_fisher_product": [_dense, _whitened, _coins_numpy, _coins_float, _autograd, _coins_list],
    "preconditioned_cg": [_split, _with_z, _divided, _best_in_span, _other_root],
}
WRONG = {
    "iterations_enough": [
        (_all_distinct, "has no component"),
        (_all, "no component"),
        (_no_two, "a factor 2"),
        (_negative_components, "flat directions: expected 3, got 2"),
        (_forgot_return, "return"),
        (_no_rounding, "expected"),
        (_writes_into, "in place"),
        (lambda values, components, damping, tolerance: len(values), "dimensions alone"),
        (lambda values, components, damping, tolerance: int((components != 0).sum()), "one zero of ψ"),
        (
            lambda values, components, damping, tolerance: len(values[components != 0].unique()),
            "first line of (4.12) alone",
        ),
        (lambda values, components, damping, tolerance: _enough(values, components, 1e-9, tolerance), "κ is that of F"),
        (
            lambda values, components, damping, tolerance: _enough(values, components, damping, tolerance) - 1,
            "1",
        ),
    ],
    "mended_cg": [
        (_only(), "all three"),
        (_only(keep=True, test=True), "one memory"),
        (_only(clone=True, test=True), "β is always 1"),
        (_only(clone=True, keep=True), "0 by 0"),
        (_only(clone=True, keep=True, test=True, ruin=True), "in place"),
        (_small_is_zero, "absolute threshold"),
        (_whole_solve, "`iterations`, not n"),
        (_residual, "expected"),
        (_returns_nothing, "return"),
        (lambda matvec, b, iterations: _mended(matvec, b, len(b)), "`iterations`, not n"),
        (lambda matvec, b, iterations: -_mended(matvec, b, iterations), "−1"),
    ],
    "coin_fisher_product": [
        (_weighted(0.5), "root of M"),
        (_weighted(2), "twice"),
        (_weighted(0), "M is missing"),
        (_weighted(total=True), "sum over the states"),
        (_weighted(coins=True), "average over the coins"),
        (_heads_only, "tails"),
        (_categorical, "one categorical"),
        (_form, "a vector"),
        (_negative, "−1"),
        (_whole_matrix, "shape"),
        (_pushed, "shape"),
    ],
    "preconditioned_cg": [
        (_plain, "plain conjugate gradient"),
        (_stays_in_y, "you return y"),
        (_plain_right_side, "right-hand side"),
        (_one_sided, "not symmetric"),
        (_no_root, "on both sides"),
        (_inverse_root, "divides by it"),
        (_exact, "exact solution"),
        (_default_iterations, "exact solution"),
        (_jacobi, "E x = b"),
        (_result_itself, "returns"),
        (_forgets, "return"),
    ],
}
