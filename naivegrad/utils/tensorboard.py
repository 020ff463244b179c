"""`torch.utils.tensorboard`: no writer."""

from naivegrad.compat.refuse import Refusal as _Refusal

SummaryWriter = _Refusal(
    "utils.tensorboard.SummaryWriter",
    "naivegrad writes no TensorBoard files; write numbers to a CSV or JSON file instead",
)
