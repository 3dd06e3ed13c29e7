"""Trust region policy optimization, one concept a module, in the order of the notebooks.

| symbol              | code          | shape    |                                                    |
|---------------------|---------------|----------|----------------------------------------------------|
| θ, θ_old            | `theta`       | `(P,)`   | policy parameters, flat                            |
| π_θ(a|s)            | `policy`      |          |                                                    |
| r_t(θ)              | `ratio`       | `(B,)`   | importance ratio π_θ/π_old of the action taken     |
| A_t                 | `advantages`  | `(B,)`   |                                                    |
| L(θ)                | `surrogate`   | `()`     | surrogate objective, maximised                     |
| D_KL(π_old‖π_θ)     | `kl`          | `()`     | mean over states, summed over action dimensions    |
| δ                   | `max_kl`      |          | size of the trust region                           |
| g                   | `gradient`    | `(P,)`   | ∇L at θ_old                                        |
| F                   | `fisher`      | `(P, P)` | Hessian of the mean KL at θ_old, the Fisher matrix |
| x ≈ F⁻¹g            | `direction`   | `(P,)`   |                                                    |
| β = sqrt(2δ/xᵀFx)   | `step_length` | `()`     |                                                    |
| α^i                 | `shrink ** i` |          | backtracking                                       |
| γ, λ                | `gamma, lam`  |          | discount factor, weight of the k-step estimates    |
| δ_t                 | `td_error`    | `(T, N)` | temporal-difference error; never without its index |

T steps of N environments; B transitions in a batch; K outputs of the policy; P parameters.
"""

from trpo_lib.agent.config import TRPOConfig
from trpo_lib.agent.report import UpdateReport
from trpo_lib.conjugate_gradient import ConjugateGradientResult, conjugate_gradient
from trpo_lib.experience.cursor import Cursor, Episode, start
from trpo_lib.experience.environments import make_envs
from trpo_lib.experience.rollout import Rollout, collect_rollout
from trpo_lib.fisher import FisherVectorProduct
from trpo_lib.gae import generalized_advantage_estimation, standardize, td_errors
from trpo_lib.kl import mean_kl
from trpo_lib.line_search import LineSearchResult, backtracking_line_search
from trpo_lib.mdp import TabularMDP
from trpo_lib.networks.critic import Critic, explained_variance, fit_critic
from trpo_lib.networks.discrete import BernoulliPolicy, CategoricalPolicy, MultiCategoricalPolicy
from trpo_lib.networks.gaussian import GaussianPolicy
from trpo_lib.networks.policies import make_policy
from trpo_lib.networks.policy import Policy
from trpo_lib.surrogate import importance_ratio, surrogate_objective
from trpo_lib.training.train import train
from trpo_lib.trpo import TRPO
from trpo_lib.trust_region import trust_region_step

__all__ = [
    "TRPO",
    "BernoulliPolicy",
    "CategoricalPolicy",
    "ConjugateGradientResult",
    "Critic",
    "Cursor",
    "Episode",
    "FisherVectorProduct",
    "GaussianPolicy",
    "LineSearchResult",
    "MultiCategoricalPolicy",
    "Policy",
    "Rollout",
    "TRPOConfig",
    "TabularMDP",
    "UpdateReport",
    "backtracking_line_search",
    "collect_rollout",
    "conjugate_gradient",
    "explained_variance",
    "fit_critic",
    "generalized_advantage_estimation",
    "importance_ratio",
    "make_envs",
    "make_policy",
    "mean_kl",
    "standardize",
    "start",
    "surrogate_objective",
    "td_errors",
    "train",
    "trust_region_step",
]
