"""The loader, where PyTorch programs import it from."""

from naivegrad.data import DataLoader, default_collate, default_convert, get_worker_info

__all__ = ["DataLoader", "default_collate", "default_convert", "get_worker_info"]
