"""locks/ and constraints.txt: exact versions of everything that somebody who runs the bot installs, with hashes.

Nothing is fetched: what a package needs stands in the metadata of the one that is installed here.
"""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.package.stray import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
EXTRAS = {"core": (), "postgres": ("postgres", "age"), "all": ("postgres", "age", "web")}
"""By lock."""

MACHINES = [
    {"sys_platform": platform, "platform_system": system, "os_name": os_name, "platform_machine": machine}
    for platform, system, os_name, machines in (
        ("linux", "Linux", "posix", ("x86_64", "aarch64")),
        ("darwin", "Darwin", "posix", ("arm64",)),  # for others there is no ONNX Runtime
        ("win32", "Windows", "nt", ("AMD64",)),
    )
    for machine in machines
]
ENVIRONMENTS = [
    {**machine, "python_version": version, "python_full_version": f"{version}.0", "implementation_name": "cpython"}
    for machine in MACHINES
    for version in ("3.11", "3.12", "3.13")
]


def pins(name):
    """What a lock pins, by name: the requirement and its hashes."""
    text = (ROOT / "locks" / f"{name}.txt").read_text("utf-8").replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            stated, *hashes = line.split(" --hash=")
            requirement = Requirement(stated)
            assert requirement.name not in found
            found[canonicalize_name(requirement.name)] = requirement, [one.strip() for one in hashes]
    return found


def constraints():
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


def asked_for(name):
    """What pyproject.toml asks for where this lock is installed."""
    project = PROJECT["project"]
    extras = (one for extra in EXTRAS[name] for one in project["optional-dependencies"][extra])
    return [Requirement(one) for one in (*project["dependencies"], *extras)]


def needed(requirements, environment):
    """Names of everything that these need in that environment, as far as it is installed here as well."""
    found, waiting = {}, [(one, "") for one in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        name = canonicalize_name(requirement.name)
        if requirement.marker is not None and not requirement.marker.evaluate({**environment, "extra": extra}):
            continue
        wanted = {"", *requirement.extras}
        if wanted <= found.get(name, set()):
            continue
        found[name] = found.get(name, set()) | wanted
        try:
            asked = [Requirement(one) for one in requires(name) or ()]
        except PackageNotFoundError:  # for another system
            continue
        waiting += [(one, extra) for one in asked for extra in wanted]
    return set(found)


@pytest.mark.parametrize("name", [*EXTRAS, "build"])
def test_every_pin_is_exact_has_its_hashes_and_is_the_version_of_the_constraints(name):
    assert (ROOT / "locks" / f"{name}.txt").read_text("utf-8").startswith("# ")
    known = constraints()
    for package, (requirement, hashes) in pins(name).items():
        assert [one.operator for one in requirement.specifier] == ["=="], package
        assert str(requirement.specifier) == f"=={known.get(package)}", package
        assert hashes and all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in hashes), package


@pytest.mark.parametrize("name", EXTRAS)
def test_a_lock_has_what_the_project_asks_for_in_versions_that_will_do(name):
    found = pins(name)
    for wanted in asked_for(name):
        pinned, _ = found[canonicalize_name(wanted.name)]
        (version,) = (one.version for one in pinned.specifier)
        assert wanted.specifier.contains(version), wanted


@pytest.mark.parametrize("name", EXTRAS)
def test_a_lock_is_complete_on_every_system_and_has_nothing_that_no_system_needs(name):
    """Completeness is what pip refuses to go without; what nobody needs would be one more thing to trust."""
    found, used = pins(name), set()
    for environment in ENVIRONMENTS:
        wanted = needed(asked_for(name), environment)
        there = {
            package
            for package, (pinned, _) in found.items()
            if pinned.marker is None or pinned.marker.evaluate(environment)
        }
        assert wanted - there == set(), environment
        used |= wanted
    assert found.keys() - used == set()


def test_the_wheel_is_built_with_what_is_pinned():
    asked = [Requirement(one) for one in PROJECT["build-system"]["requires"]]
    assert pins("build").keys() == {canonicalize_name(one.name) for one in asked}


def test_the_extras_that_a_running_bot_can_have_are_locked():
    """The others are for machines that train, test, serve others or show the demo, or have processors of their kind."""
    assert set(EXTRAS["all"]) == PROJECT["project"]["optional-dependencies"].keys() - {
        "torch",
        "openvino",
        "serve",
        "teacher",
        "multilingual",
        "training",
        "demo",
        "dev",
    }
