"""Builds `dist/vipgate-VERSION-windows-x64.zip` and `-linux-x64.tar.gz`: all that installs the agent without a network.

Run by `make bundle` in the project's environment; downloads the pinned wheels of `requirements/bundle.txt`.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import guide
from packaging.requirements import Requirement

ROOT: Final = Path(__file__).parents[2]
HERE: Final = Path(__file__).parent
PYTHONS: Final = ("3.11", "3.12", "3.13", "3.14")
# Entries carry one fixed time, so that the same input gives the same archive: 1980-01-01, the first that zip can store.
ENTRY_TIME_S: Final = 315_532_800
ZIP_TIME: Final = (1980, 1, 1, 0, 0, 0)
HASH_CHUNK_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Target:
    """One system: the tags of its wheels, what markers of requirements see there, and the files to start from."""

    name: str
    suffix: str
    platforms: tuple[str, ...]
    markers: Mapping[str, str]
    scripts: tuple[str, ...]


_CPYTHON: Final = {"implementation_name": "cpython", "platform_python_implementation": "CPython"}
TARGETS: Final = {
    one.name: one
    for one in (
        Target(
            "windows-x64", ".zip", ("win_amd64",),
            {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt", **_CPYTHON}, ("install.cmd",),
        ),
        # glibc 2.28 is that of Debian 10, RHEL 8 and openEuler 20.03.
        Target(
            "linux-x64", ".tar.gz", (*(f"manylinux_2_{minor}_x86_64" for minor in range(28, 4, -1)), "manylinux2014_x86_64"),
            {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", **_CPYTHON}, ("install.sh",),
        ),
    )
}  # fmt: skip


def main() -> None:
    """Builds the bundles that the arguments name."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--target", action="append", choices=sorted(TARGETS), help="default: all")
    parser.add_argument("--python", action="append", choices=PYTHONS, help="versions to bring wheels for; default: all")
    parser.add_argument("--folder", type=Path, default=ROOT / "dist")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        wheel = build_wheel(Path(name))
        for target in given.target or sorted(TARGETS):
            print(build(TARGETS[target], given.python or PYTHONS, wheel, given.folder))  # noqa: T201 - a command's output


def build_wheel(folder: Path) -> Path:
    """Builds the project's own wheel with the pinned setuptools of this environment."""
    _pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder), str(ROOT))
    [wheel] = folder.glob("vipgate-*.whl")
    return wheel


def build(target: Target, pythons: Sequence[str], wheel: Path, folder: Path) -> Path:
    """Builds one archive and `<archive>.sha256`; returns the archive's path."""
    version = wheel.name.split("-")[1]
    stem = f"vipgate-{version}-{target.name}"
    with tempfile.TemporaryDirectory() as name:
        place = Path(name) / stem
        fill(place, target, pythons, wheel)
        archive = folder / f"{stem}{target.suffix}"
        (_write_zip if target.suffix == ".zip" else _write_tar)(archive, place)
    archive.with_name(archive.name + ".sha256").write_text(f"{sha256(archive)}  {archive.name}\n", encoding="utf-8")
    return archive


def fill(place: Path, target: Target, pythons: Sequence[str], wheel: Path) -> None:
    """Puts everything that one bundle holds into `place`."""
    wheels = place / "wheels"
    wheels.mkdir(parents=True)
    pinned = "".join(pins(ROOT / "requirements" / "bundle.txt", target.markers))
    with tempfile.TemporaryDirectory() as name:
        requirements = Path(name) / "requirements.txt"
        requirements.write_text(pinned, encoding="utf-8")
        for python in pythons:
            _download(requirements, target, python, wheels)
    shutil.copy(wheel, wheels)
    own = f"vipgate=={wheel.name.split('-')[1]} \\\n    --hash=sha256:{sha256(wheel)}\n"
    (place / "requirements.txt").write_text(pinned + own, encoding="utf-8", newline="\n")
    (place / "pythons.txt").write_text("".join(f"{one}\n" for one in pythons), encoding="utf-8", newline="\n")
    shutil.copy(HERE / "install.py", place)
    # cmd finds no labels in a file whose lines end as on Linux.
    end = b"\r\n" if target.suffix == ".zip" else b"\n"
    for script in target.scripts:
        (place / script).write_bytes(b"".join(line + end for line in (HERE / script).read_bytes().splitlines()))
    shutil.copy(ROOT / "LICENSE", place)
    guide.write(ROOT / "docs", place)
    sums = [f"{sha256(path)}  {path.relative_to(place).as_posix()}\n" for path in _files(place)]
    (place / "SHA256SUMS").write_text("".join(sums), encoding="utf-8", newline="\n")


def pins(path: Path, markers: Mapping[str, str]) -> Iterator[str]:
    """The lines of a pinned list that count on a system, without markers: pip would read these as of this machine."""
    counts = True
    for line in path.read_text(encoding="utf-8").splitlines():
        if line[:1].isalnum():
            one = Requirement(line.removesuffix("\\").strip())
            counts = one.marker is None or one.marker.evaluate(dict(markers))
            line = f"{one.name}{one.specifier} \\"
        if counts and not line.lstrip().startswith("#"):
            yield f"{line}\n"


def _download(requirements: Path, target: Target, python: str, wheels: Path) -> None:
    tag = "cp" + python.replace(".", "")
    places = [word for platform in target.platforms for word in ("--platform", platform)]
    _pip(
        "download", "--no-deps", "--require-hashes", "--only-binary", ":all:", *places, "--python-version", python,
        "--implementation", "cp", "--abi", tag, "--abi", "abi3", "--abi", "none", "-r", str(requirements), "-d", str(wheels),
    )  # fmt: skip


def _pip(*words: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *words]
    subprocess.run(command, check=True)  # noqa: S603 - our own arguments


def sha256(path: Path) -> str:
    """The digest of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(HASH_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _files(place: Path) -> list[Path]:
    return sorted(path for path in place.rglob("*") if path.is_file())


def _write_zip(archive: Path, place: Path) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in _files(place):
            entry = zipfile.ZipInfo(path.relative_to(place.parent).as_posix(), ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(entry, path.read_bytes())


def _write_tar(archive: Path, place: Path) -> None:
    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname = ENTRY_TIME_S, 0, 0, "", ""
        entry.mode = 0o755 if entry.name.endswith(".sh") else 0o644
        return entry

    with (
        archive.open("wb") as raw,
        gzip.GzipFile(archive.name, "wb", fileobj=raw, mtime=ENTRY_TIME_S) as packed,
        tarfile.open(fileobj=packed, mode="w") as file,
    ):
        for path in _files(place):
            file.add(path, path.relative_to(place.parent).as_posix(), filter=plain)


if __name__ == "__main__":
    main()
