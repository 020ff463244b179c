"""Does an installed naivegrad work? Uses nothing but the package and NumPy."""

import importlib.util
from pathlib import Path

import naivegrad as ng

for extra in ("torch", "matplotlib", "rich", "pooch", "pycuda"):
    if importlib.util.find_spec(extra):
        raise SystemExit(f"{extra} is installed: this environment was to be empty")

package = Path(ng.__file__).parent
for name in ("py.typed", "_cuda/scalar_ops.h"):
    if not (package / name).exists():
        raise SystemExit(f"{name} is missing in {package}")

x = ng.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
(x * x).sum().backward()
if x.grad.tolist() != [[2.0, 4.0], [6.0, 8.0]]:
    raise SystemExit(f"the gradient of x * x is not 2 x: {x.grad}")

images, labels = ng.data.digits(train=True).tensors
ng.manual_seed(0)
model = ng.nn.Sequential(ng.nn.Flatten(), ng.nn.Linear(64, 32), ng.nn.ReLU(), ng.nn.Linear(32, 10))
optimizer = ng.optim.Adam(model.parameters(), lr=0.01)
for _ in range(60):
    loss = ng.nn.functional.cross_entropy(model(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
accuracy = (model(images).argmax(1) == labels).float().mean().item()
if accuracy < 0.95:
    raise SystemExit(f"accuracy on the digits is {accuracy:.3f}, expected 0.95")
print(f"naivegrad {ng.__version__} in {package}: digits {accuracy:.1%}")
