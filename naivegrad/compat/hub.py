"""`torch.hub`: nothing is fetched and run."""

from naivegrad.compat.refuse import Refusal as _Refusal
from naivegrad.missing import lookup as _lookup

_WHY = "naivegrad fetches no programs and no weights; load a file with naivegrad.load"
load = _Refusal("hub.load", _WHY)
list = _Refusal("hub.list", _WHY)
help = _Refusal("hub.help", _WHY)
download_url_to_file = _Refusal("hub.download_url_to_file", _WHY)
load_state_dict_from_url = _Refusal("hub.load_state_dict_from_url", _WHY)

__getattr__ = _lookup(__name__)
