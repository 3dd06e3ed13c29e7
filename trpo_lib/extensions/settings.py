"""The settings that the extensions have besides TRPO's."""

from dataclasses import dataclass

from trpo_lib import _validate
from trpo_lib.agent.config import TRPOConfig


@dataclass(frozen=True)
class CriticFirstConfig(TRPOConfig):
    """Settings of `CriticFirstTRPO`: those of TRPO, and

    Attributes:
        critic_first: fit the critic to a batch before its advantages are taken, not after. Less noise, more bias.
    """

    critic_first: bool = True

    def __post_init__(self):
        super().__post_init__()
        _validate.boolean("critic_first", self.critic_first)


@dataclass(frozen=True)
class OffPolicyConfig(CriticFirstConfig):
    """Settings of `OffPolicyTRPO`: those of TRPO, `critic_first`, and

    Attributes:
        critic_first: as for `CriticFirstTRPO`, but not by itself.
        past_rollouts: rollouts of earlier policies that are used again. 0 is TRPO; a few help where steps are dear.
    """

    critic_first: bool = False
    past_rollouts: int = 1

    def __post_init__(self):
        super().__post_init__()
        _validate.count("past_rollouts", self.past_rollouts, minimum=0)
