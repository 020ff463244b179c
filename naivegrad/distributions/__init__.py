"""Probability distributions, with PyTorch's names."""

from naivegrad.distributions import constraints
from naivegrad.distributions.bernoulli import Bernoulli, Binomial, Geometric
from naivegrad.distributions.categorical import Categorical, Multinomial, OneHotCategorical
from naivegrad.distributions.distribution import Distribution
from naivegrad.distributions.exponential import Exponential, Laplace
from naivegrad.distributions.gamma import Beta, Dirichlet, Gamma
from naivegrad.distributions.independent import Independent
from naivegrad.distributions.kl import kl_divergence, register_kl
from naivegrad.distributions.multivariate_normal import MultivariateNormal
from naivegrad.distributions.normal import HalfNormal, LogNormal, Normal
from naivegrad.distributions.poisson import Poisson
from naivegrad.distributions.uniform import Uniform
from naivegrad.missing import lookup as _lookup

__all__ = [
    "Bernoulli",
    "Beta",
    "Binomial",
    "Categorical",
    "Dirichlet",
    "Distribution",
    "Exponential",
    "Gamma",
    "Geometric",
    "HalfNormal",
    "Independent",
    "Laplace",
    "LogNormal",
    "Multinomial",
    "MultivariateNormal",
    "Normal",
    "OneHotCategorical",
    "Poisson",
    "Uniform",
    "constraints",
    "kl_divergence",
    "register_kl",
]

__getattr__ = _lookup(__name__)
