"""`torch.version`: which libraries for GPUs this was built with (none)."""

from naivegrad._version import __version__ as __version__

cuda = hip = xpu = git_version = None
debug = False
