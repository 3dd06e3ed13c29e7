"""Environments of which the right answer is known."""

import gymnasium as gym
import numpy as np
from gymnasium import spaces

SCHEDULE = ((3, "terminated"), (2, "truncated"), (1, "terminated"), (4, "both"))


class Counting(gym.Env):
    """Observation (episode, counter within it), reward 100·episode + counter; lengths and ends as in SCHEDULE."""

    observation_space = spaces.Box(0, np.inf, (2,), np.float32)
    action_space = spaces.Discrete(2)

    def __init__(self, offset=0):
        self.offset, self.episode, self.counter = offset, -1, 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.episode, self.counter = self.episode + 1, 0
        return self._observation(), {}

    def step(self, action):
        self.counter += 1
        length, end = SCHEDULE[(self.episode + self.offset) % len(SCHEDULE)]
        over = self.counter == length
        reward = 100.0 * self.episode + self.counter
        return (
            self._observation(),
            reward,
            over and end in ("terminated", "both"),
            over and end in ("truncated", "both"),
            {},
        )

    def _observation(self):
        return np.array([self.episode, self.counter], np.float32)


class Probe(gym.Env):
    """Observations ±1 drawn at the start of each episode of `length` steps.

    Args:
        reward: maps (observation, action, is_last_step) to a reward.
        length: of an episode.
        truncate: whether the end is a time limit instead of a terminal state.
        actions: the action space.
    """

    def __init__(self, reward, length=1, truncate=False, actions=None, tell_time=False):
        self.reward, self.length, self.truncate, self.tell_time = reward, length, truncate, tell_time
        self.observation_space = spaces.Box(-10, 10, (1,), np.float32)
        self.action_space = actions or spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.sign, self.time = self.np_random.choice([-1.0, 1.0]), 0
        return self._observation(), {}

    def step(self, action):
        observation = self._observation()[0]
        self.time += 1
        over = self.time == self.length
        reward = float(self.reward(observation, action, over))
        return self._observation(), reward, over and not self.truncate, over and self.truncate, {}

    def _observation(self):
        return np.array([self.time if self.tell_time else self.sign], np.float32)


class Space(gym.Env):
    """Random observations; refuses an action that is not in its action space."""

    def __init__(self, action_space, observation_space=None):
        self.action_space = action_space
        self.observation_space = observation_space or spaces.Box(-1, 1, (3,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.observation_space.seed(seed)
        return self.observation_space.sample(), {}

    def step(self, action):
        assert self.action_space.contains(action), f"{action!r} is not in {self.action_space}"
        reward, over = float(np.asarray(action, np.float64).sum()), bool(self.np_random.random() < 0.1)
        return self.observation_space.sample(), reward, over, False, {}


class Broken(gym.Env):
    """Returns `value` as reward or observation at step `when`, or at the "reset"; never when None."""

    observation_space = spaces.Box(-np.inf, np.inf, (1,), np.float64)

    def __init__(self, part, value, when, actions=None):
        self.part, self.value, self.when = part, value, when
        self.action_space = actions or spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        self.time = 0
        return np.full(1, self.value if self.when == "reset" else 0.0), {}

    def step(self, action):
        now, self.time = self.time, self.time + 1
        broken = {self.part: self.value} if now == self.when else {}
        return np.full(1, broken.get("observation", 0.0)), broken.get("reward", 0.0), False, False, {}


class Bars(gym.Env):
    """An image with a bar of three pixels, lying or standing, anywhere; the action that names which of the two earns 1.

    No pixel tells by itself.
    """

    observation_space = spaces.Box(0, 255, (1, 6, 6), np.uint8)
    action_space = spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        return self._observation(), {}

    def step(self, action):
        right, self.time = float(action == self.standing), self.time + 1
        return self._observation(), right, self.time == 8, False, {}

    def _observation(self):
        self.standing = int(self.np_random.integers(2))
        image = np.zeros((6, 6), np.uint8)
        along, across = self.np_random.integers(4), self.np_random.integers(6)
        image[across, along : along + 3] = 255
        return (image.T if self.standing else image)[None].copy()


gym.register("Bars-v0", Bars)
gym.register("Counting-v0", Counting)
gym.register("Probe-v0", Probe)
gym.register("Space-v0", Space)
gym.register("Broken-v0", Broken)


def vectorize(*makers, mode=gym.vector.AutoresetMode.SAME_STEP, **options):
    """A vector environment of the environments that `makers` make."""
    return gym.vector.SyncVectorEnv(makers, autoreset_mode=mode, **options)
