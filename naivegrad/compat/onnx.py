"""`torch.onnx`: no exporter."""

from naivegrad.compat.refuse import Refusal as _Refusal
from naivegrad.missing import lookup as _lookup

_WHY = "naivegrad writes no ONNX files; save the state_dict and export it with PyTorch"
export = _Refusal("onnx.export", _WHY)
dynamo_export = _Refusal("onnx.dynamo_export", _WHY)

__getattr__ = _lookup(__name__)
