"""The right function of an exercise: kept from those who would hand it back."""

import inspect
from collections.abc import Callable
from typing import Any

from trpo_lib.classroom.checks.call import NotLentError


class Reference:
    """The right function, which does not run while an answer is being checked."""

    busy = False

    def __init__(self, function: Callable) -> None:
        self.function = function
        self.__signature__ = inspect.signature(function)

    def __call__(self, *arguments: Any) -> Any:
        """The reference's answer."""
        if Reference.busy:
            raise NotLentError("this is the check's own answer: write yours")
        return self.function(*arguments)
