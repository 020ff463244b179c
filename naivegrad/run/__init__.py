"""`naivegrad run`: programs written for PyTorch, unchanged, without PyTorch."""

from naivegrad.run.hook import install
from naivegrad.run.script import run_module, run_script

__all__ = ["install", "run_module", "run_script"]
