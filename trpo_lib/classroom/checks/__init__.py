"""The exercises of all notebooks: `checks.name(function)` says whether a student's function is right.

Each module of this folder holds the exercises of one notebook; all of them are gathered here. How to write one stands
in `exercise`.
"""

import importlib
import pkgutil

from trpo_lib.classroom.checks.exercise import Exercise

EXERCISES: dict[str, Exercise] = {}
MODULE_OF: dict[str, str] = {}
for _module in pkgutil.iter_modules(__path__):
    for _name, _value in vars(importlib.import_module(f"{__name__}.{_module.name}")).items():
        if isinstance(_value, Exercise):
            EXERCISES[_name], MODULE_OF[_name] = _value, _module.name
globals().update(EXERCISES)
