"""The settings that the extensions have besides TRPO's."""

from dataclasses import dataclass
from functools import partial

from trpo_lib import _validate
from trpo_lib.agent.config import TRPOConfig, setting


@dataclass(frozen=True)
class CriticFirstConfig(TRPOConfig):
    """Settings of `CriticFirstTRPO`: those of TRPO, and

    Attributes:
        critic_first: fit the critic to a batch before its advantages are taken, not after. Less noise, more bias.
    """

    critic_first: bool = setting(True, _validate.boolean)


@dataclass(frozen=True)
class OffPolicyConfig(CriticFirstConfig):
    """Settings of `OffPolicyTRPO`: those of TRPO, `critic_first`, and

    Attributes:
        critic_first: as for `CriticFirstTRPO`, but not by itself.
        past_rollouts: rollouts of earlier policies that are used again. 0 is TRPO; a few help where steps are dear.
    """

    critic_first: bool = setting(False, _validate.boolean)
    past_rollouts: int = setting(1, partial(_validate.count, minimum=0))
