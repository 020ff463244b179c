"""Kernels compiled for x86-64-v3 (AVX2, FMA): the modules named in setup.py, BY_LEVEL."""
