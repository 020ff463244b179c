"""Kernels compiled for x86-64-v4 (AVX-512): the modules named in setup.py, BY_LEVEL."""
