"""Broken promises of many kinds; and constructions that are none, each with a part of the message that it is due."""

import numpy as np
import torch

from trpo_lib.classroom import ledge


def _places(transitions, rewards, old, new):
    return tuple(torch.tensor(table, dtype=torch.float64) for table in (transitions, rewards, old, new))


def _visit(gamma, p, q, cost=None, pay=1.0):
    """Place 0: stay, or visit place 1 for a reward; place 1: go back, or jump, which costs."""
    cost = 3 / gamma if cost is None else cost
    chances = [[[1 - p[i], p[i]], [1 - q[i], q[i]]] for i in (0, 1)]
    return _places([[[1, 0], [0, 1]], [[1, 0], [1, 0]]], [[0, pay], [0, -cost]], *chances)


def _right(gamma, max_kl):
    return _visit(gamma, (max_kl / 12, max_kl / 3), (0.1, 0.5))


def _trap_door(gamma, max_kl):
    """A third place from which no way leads back, behind the second one."""
    p, q = (max_kl / 12, max_kl / 3), (0.05, 0.2)
    transitions = [[[1, 0, 0], [0, 1, 0]], [[1, 0, 0], [0, 0, 1]], [[0, 0, 1], [0, 0, 1]]]
    loss = -8 * (1 - gamma) / gamma**2
    chances = [[[1 - p[i], p[i]], [1 - q[i], q[i]], [0.5, 0.5]] for i in (0, 1)]
    return _places(transitions, [[0, 1], [0, 0], [loss, loss]], *chances)


def _three_actions(gamma, max_kl):
    transitions, rewards, old, new = _right(gamma, max_kl)
    widened = [torch.cat([table, table[:, -1:]], 1) for table in (transitions, rewards)]
    return (*widened, *(torch.stack([pi[:, 0], pi[:, 1] / 4, 3 * pi[:, 1] / 4], 1) for pi in (old, new)))


def _never_there(gamma, max_kl):
    """The third place is never visited; there pi_new may give up an action, and the mean KL does not mind."""
    transitions, rewards, old, new = _right(gamma, max_kl)
    wide = torch.zeros(3, 2, 3, dtype=torch.float64)
    wide[:2, :, :2], wide[2, :, 2] = transitions, 1
    rows = torch.tensor([[0.5, 0.5], [1.0, 0.0]], dtype=torch.float64)
    return wide, torch.cat([rewards, rewards[:1]]), torch.cat([old, rows[:1]]), torch.cat([new, rows[1:]])


RIGHT = {
    "broken_promise": [
        _right,
        _trap_door,
        _three_actions,
        _never_there,
        lambda gamma, max_kl: [table.numpy() for table in _right(gamma, max_kl)],
        lambda gamma, max_kl: tuple(table.tolist() for table in _right(gamma, max_kl)),
        lambda gamma, max_kl: (_right(gamma, max_kl)[0], 1000 * _right(gamma, max_kl)[1], *_right(gamma, max_kl)[2:]),
    ],
}

WRONG = {
    "broken_promise": [
        (lambda gamma, max_kl: _visit(gamma, (max_kl / 12, max_kl / 3), (0.1, 0.5), pay=-1.0), "L promises no gain"),
        (lambda gamma, max_kl: _visit(gamma, (0.1, 0.4), (0.1, 0.5)), "too far apart"),
        (lambda gamma, max_kl: _visit(gamma, (max_kl / 12, max_kl / 3), (0.1, 0.1)), "the promise is kept"),
        (lambda gamma, max_kl: _visit(gamma, (max_kl / 12, max_kl / 3), (0.1, 0.5), cost=0.0), "the promise is kept"),
        (lambda gamma, max_kl: _visit(gamma, (max_kl / 3, max_kl / 12), (0.5, 0.1)), "exchange the two policies"),
        (lambda gamma, max_kl: _visit(gamma, (max_kl / 12, max_kl / 12), (0.1, 0.1)), "the same"),
        (lambda gamma, max_kl: _visit(gamma, (max_kl / 12, max_kl / 3), (0.1, 0.0)), "infinite"),
        (lambda gamma, max_kl: _right(gamma, max_kl)[:3], "must return 4 things"),
        (lambda gamma, max_kl: (ledge.MDP, *_right(gamma, max_kl)[1:]), "TabularMDP"),
        (lambda gamma, max_kl: tuple(table[:1] for table in _right(gamma, max_kl)), "two or three states"),
        (lambda gamma, max_kl: (*_right(gamma, max_kl)[:2], *(pi.T for pi in _right(gamma, max_kl)[2:])), "sum to one"),
        (lambda gamma, max_kl: (*_right(gamma, max_kl)[:3], _right(gamma, max_kl)[3].log()), "sum to one"),
        (lambda gamma, max_kl: (_right(gamma, max_kl)[0], _right(gamma, max_kl)[1][:, 0], *_right(gamma, max_kl)[2:]),
         "two or three states"),
        (lambda gamma, max_kl: tuple(np.nan * table for table in _right(gamma, max_kl)), "sum to one"),
        (lambda gamma: None, "your function must take (gamma, max_kl)"),
    ],
}  # fmt: skip
