"""Print a hash of what torch and numpy compute here: two worlds that print the same are one, on this machine."""

import hashlib

import numpy as np
import torch


def results() -> list[np.ndarray]:
    """Products, solutions and functions on the sizes that the notebooks use."""
    torch.set_num_threads(1)
    found = []
    for dtype in (torch.float64, torch.float32):
        generator = torch.Generator().manual_seed(0)
        a = torch.rand(257, 64, generator=generator, dtype=dtype) - 0.5
        b = torch.rand(64, 64, generator=generator, dtype=dtype) + torch.eye(64, dtype=dtype)
        found += [a @ b, a[:8, :4] @ b[:4], a @ b[0], a.flatten() @ a.flatten(), a.sum(), a.mean(0), torch.tanh(a)]
        found += [a.exp(), a.log_softmax(1), torch.linalg.solve(b, a[:64]), torch.linalg.eigvalsh(b @ b.T)]
        x, y = a.numpy(), b.numpy()
        found += [x @ y, x.sum(), x.mean(0), np.exp(x), np.tanh(x), np.log(np.abs(x) + 1), np.linalg.solve(y, x[:64])]
    return [np.asarray(result) for result in found]


if __name__ == "__main__":
    print(hashlib.sha256(b"".join(result.tobytes() for result in results())).hexdigest())
