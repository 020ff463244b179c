"""The methods of Tensor, by family: a line each, applying a function of naivegrad/ops.

Formulas and errors stand at the functions of the same names.
"""

from naivegrad.methods._connect import connect
from naivegrad.methods.activation import ActivationMethods
from naivegrad.methods.compare import CompareMethods
from naivegrad.methods.complex import ComplexMethods
from naivegrad.methods.conversion import ConversionMethods
from naivegrad.methods.creation import CreationMethods
from naivegrad.methods.elementwise import ElementwiseMethods
from naivegrad.methods.exponential import ExponentialMethods
from naivegrad.methods.index import IndexMethods
from naivegrad.methods.linalg import LinalgMethods
from naivegrad.methods.movement import MovementMethods
from naivegrad.methods.operators import OperatorMethods
from naivegrad.methods.pairs import PairMethods
from naivegrad.methods.reduce import ReduceMethods
from naivegrad.methods.rounding import RoundingMethods
from naivegrad.methods.scan import ScanMethods
from naivegrad.methods.special import SpecialMethods
from naivegrad.methods.spectral import SpectralMethods
from naivegrad.methods.statistics import StatisticsMethods
from naivegrad.methods.trigonometry import TrigonometryMethods
