"""Exercises of notebook 09: three agents to diagnose."""

from trpo_lib.classroom.checks.exercise import Exercise
from trpo_lib.classroom.museum import BUGS, diagnosis

# What the reports of each patient say, field by field.
_ALL = {
    "initial_kl": "it is 0 at every update",
    "kl_ratio": "it never exceeds 1",
    "accepted": "every step is accepted",
    "fraction": "it stays near 1",
    "cg_residuals": "the residual ends below 0.1, and every predicted_gain is positive",
    "critic_loss": "explained_variance climbs above 0.5 and critic_loss keeps falling",
    "step": "every batch has fewer",
    "explained_variance": "it climbs above 0.5",
    "mean_return": "it rises",
}
_FACTS = {
    "A": _ALL | {"critic_loss": "this critic explains nothing, at any update"},
    "B": _ALL | {"initial_kl": "every second report has 0"},
    "C": _ALL | {"mean_return": "it falls"},
}


def _exercise(patient: str) -> Exercise:
    wrong = {
        f"{bug} would show {symptom}; here {_FACTS[patient][field]}": lambda bug=bug: bug
        for bug, (field, symptom) in BUGS.items()
        if bug != diagnosis(patient)
    }
    return Exercise(
        name=f"patient_{patient.lower()}",
        right=lambda: diagnosis(patient),
        inputs=[()],
        wrong=wrong,
        choices=tuple(BUGS),
    )


patient_a, patient_b, patient_c = map(_exercise, "ABC")
