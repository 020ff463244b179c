"""Where PyTorch programs look for `naivegrad.utils.data`."""
