"""The torchvision hook as an environment has it: in real Python processes."""

import subprocess
import sys
from pathlib import Path

from evalsvc.worker.vision_shim import install, main, problem, remove, site_packages


def python(code: str) -> str:
    """Standard output of a Python that reads no `.pth` file on its own."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_start_of_python_imports_nothing_but_the_hook(tmp_path: Path) -> None:
    pth = install(tmp_path)
    code = f"""
import sys
before = set(sys.modules)
sys.path.append({str(tmp_path)!r})
exec(open({str(pth)!r}).read())
print(sorted(set(sys.modules) - before))"""
    assert python(code) == "['evalsvc_torchvision_hook']"


def test_torchvision_is_imported_and_torch_left_as_it_was(tmp_path: Path) -> None:
    pth = install(tmp_path)
    code = f"""
import sys
sys.path += [{str(tmp_path)!r}, {str(site_packages())!r}]
exec(open({str(pth)!r}).read())
from importlib.util import find_spec
assert find_spec("torchvision") and "torch" not in sys.modules
import torch.library
original = torch.library.register_fake
import torchvision
assert torch.library.register_fake is original
import numpy
from torchvision.transforms.v2 import functional
print(functional.resize(torch.zeros(3, 8, 8), [4, 4]).shape)"""
    assert python(code) == "torch.Size([3, 4, 4])"


def test_installing_twice_and_removing_leaves_nothing(tmp_path: Path) -> None:
    assert install(tmp_path) == install(tmp_path)
    remove(tmp_path)
    remove(tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_this_environment_can_see() -> None:
    assert problem() == ""
    assert main(["check"]) == 0
