"""Actor and critic learn to walk to the end of a corridor; actions are drawn or the best ones."""

from collections import namedtuple

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from journal import Journal
from torch.distributions import Categorical

SavedAction = namedtuple("SavedAction", ["log_prob", "value"])


class Corridor:
    """Eight places; the last one pays 1, every step costs 0.05."""

    def reset(self):
        self.place = 0
        return self.state()

    def state(self):
        return np.eye(8, dtype=np.float32)[self.place]

    def step(self, action):
        self.place = min(7, max(0, self.place + (1 if action == 1 else -1)))
        done = self.place == 7
        return self.state(), 1.0 if done else -0.05, done


class Policy(nn.Module):
    def __init__(self):
        super(Policy, self).__init__()
        self.affine1 = nn.Linear(8, 16)
        self.action_head = nn.Linear(16, 2)
        self.value_head = nn.Linear(16, 1)
        self.saved_actions = []
        self.rewards = []

    def forward(self, x):
        x = F.relu(self.affine1(x))
        return F.softmax(self.action_head(x), dim=-1), self.value_head(x)


def select_action(model, state, step, drawn):
    probs, state_value = model(torch.from_numpy(state).float())
    m = Categorical(probs)
    # Not drawn: a fixed pattern, so that every library sees the same episode.
    action = m.sample() if drawn else torch.tensor(int(step % 3 != 0))
    model.saved_actions.append(SavedAction(m.log_prob(action), state_value))
    return action.item()


def finish_episode(model, optimizer, eps=np.finfo(np.float32).eps.item()):
    R = 0
    policy_losses, value_losses, returns = [], [], []
    for r in model.rewards[::-1]:
        R = r + 0.99 * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + eps)
    for (log_prob, value), R in zip(model.saved_actions, returns):
        advantage = R - value.item()
        policy_losses.append(-log_prob * advantage)
        value_losses.append(F.smooth_l1_loss(value, torch.tensor([R])))
    optimizer.zero_grad()
    loss = torch.stack(policy_losses).sum() + torch.stack(value_losses).sum()
    loss.backward()
    optimizer.step()
    del model.rewards[:]
    del model.saved_actions[:]
    return loss


def main():
    journal = Journal(__doc__, steps=30, drawn=False)
    torch.manual_seed(543)
    env, model = Corridor(), Policy()
    journal.begin(model)
    optimizer = optim.Adam(model.parameters(), lr=3e-2)
    for _ in journal.steps():
        state, ep_reward = env.reset(), 0
        for t in range(1, 100):
            action = select_action(model, state, t, journal.options.drawn)
            state, reward, done = env.step(action)
            model.rewards.append(reward)
            ep_reward += reward
            if done:
                break
        journal.note(finish_episode(model, optimizer))
    print(f"last reward: {ep_reward:.2f} after {t} steps")
    journal.end()


if __name__ == "__main__":
    main()
