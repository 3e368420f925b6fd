"""Installs vipgate from this folder, without a network, and opens the agent's page. Needs Python alone.

install.py [--into FOLDER] [--no-page]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
IS_WINDOWS = sys.platform == "win32"
# Chinese, English.
TEXTS = {
    "python": (
        "这个 Python 是 {found}；安装包带有 {wanted}（64 位）的程序，请改用其中之一。",
        "This Python is {found}; the bundle has packages for {wanted} (64 bit): use one of these.",
    ),
    "venv": (
        "无法在 {folder} 建立运行环境：{reason}。请确认此文件夹可写；如果代理正在运行，请先停止它的服务，再重新安装。",
        "Cannot make the environment in {folder}: {reason}. Make the folder writable; if an agent runs from it, stop its "
        "service first, then install again.",
    ),
    "pip": (
        "安装失败（见上面的说明）。文件可能不完整：请核对 SHA256SUMS，或重新解压安装包。",
        "The installation failed, see above. A file may be damaged: compare SHA256SUMS, or unpack the bundle again.",
    ),
    "park": (
        "无法建立文件夹 {folder}：{reason}。请确认上级文件夹可写，再重新安装。",
        "Cannot make the folder {folder}: {reason}. Make the folder above it writable, then install again.",
    ),
    "making": ("正在 {folder} 安装 vipgate，约一分钟……", "Installing vipgate into {folder}, about a minute …"),
    "done": (
        "安装完成。以后打开配置页面：{start}\n配置和数据：{park}\n命令：{program}\n使用说明：{guide}",
        "Installed. To open the agent's page later: {start}\nIts configuration and data: {park}\nThe command: {program}\n"
        "The guide: {guide}",
    ),
    "page": (
        "现在打开设置页面。此窗口在页面使用期间保持打开：按 Ctrl-C 或关闭窗口只结束页面，已启动的代理继续运行。",
        "The agent's page opens now. This window stays while the page is in use: Ctrl-C, or closing it, ends the page only; "
        "an agent that was started goes on.",
    ),
}  # fmt: skip


def main() -> int:
    """Installs; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--into", type=Path, default=HERE / "vipgate", help="default: the folder vipgate next to this file"
    )
    parser.add_argument("--no-page", action="store_true", help="do not open the agent's page")
    given = parser.parse_args()
    wanted = (HERE / "pythons.txt").read_text(encoding="utf-8").split()
    found = f"{sys.version_info.major}.{sys.version_info.minor}"
    if found not in wanted or sys.maxsize < 2**32:
        return fail("python", found=f"{found}, {64 if sys.maxsize > 2**32 else 32} bit", wanted=", ".join(wanted))
    folder = given.into.resolve()
    say("making", folder=folder)
    try:
        venv.create(folder, with_pip=False)
    except (OSError, subprocess.CalledProcessError) as error:
        return fail("venv", folder=folder, reason=error)
    if install_packages(folder) != 0:
        return fail("pip")
    try:
        park = park_folder()
    except OSError as error:
        return fail("park", folder=HERE / "park", reason=error.strerror)
    start, vipgate = write_start_script(folder, park), program(folder, "vipgate")
    guide = HERE / ("GUIDE.zh.html" if speaks_chinese() else "GUIDE.en.html")
    say("done", start=start, park=park, program=vipgate, guide=guide)
    if given.no_page:
        return 0
    say("page")
    return run_page([vipgate, "agent", "page"], park)


def run_page(command: list[str], park: Path) -> int:
    """Runs the page to its end and returns its status. Ctrl-C reaches the page, too: it ends by itself, and is waited for."""
    page = subprocess.Popen(command, cwd=park)  # noqa: S603
    while True:
        try:
            return page.wait()
        except KeyboardInterrupt:
            continue


def install_packages(folder: Path) -> int:
    """Installs the wheels of this folder with the pip among them, each checked against its hash. Returns pip's status."""
    [pip] = (HERE / "wheels").glob("pip-*.whl")
    command = [
        sys.executable, str(pip / "pip"), "--python", program(folder, "python"), "--isolated", "install", "--quiet",
        "--disable-pip-version-check", "--no-index", "--no-deps", "--find-links", str(HERE / "wheels"), "--require-hashes",
        "--requirement", str(HERE / "requirements.txt"),
    ]  # fmt: skip
    return subprocess.run(command, check=False).returncode  # noqa: S603 - our own arguments


def program(folder: Path, name: str) -> str:
    """The path of a program of the environment."""
    scripts = Path(sysconfig.get_path("scripts", "venv", vars={"base": str(folder), "installed_base": str(folder)}))
    return str(scripts / (f"{name}.exe" if IS_WINDOWS else name))


def park_folder() -> Path:
    """Makes the folder of the configuration, which holds a secret and plates: others on the machine may not read it."""
    if (HERE / "park.toml").is_file():
        # An older bundle opened the page in its own folder: that park goes on there.
        return HERE
    park = HERE / "park"
    park.mkdir(mode=0o700, exist_ok=True)
    if not IS_WINDOWS:
        park.chmod(0o700)
    return park


def write_start_script(folder: Path, park: Path) -> Path:
    """Writes the file that opens the agent's page from now on, in the folder of the configuration."""
    below = "" if park == HERE else park.name
    vipgate = program(folder, "vipgate")
    if IS_WINDOWS:
        path, text = (
            HERE / "vipgate-page.cmd",
            f'@echo off\r\ncd /d "%~dp0{below}"\r\n"{vipgate}" agent page %*\r\npause\r\n',
        )
        path.write_bytes(text.encode("mbcs" if IS_WINDOWS else "utf-8"))
        return path
    path = HERE / "vipgate-page.sh"
    path.write_text(
        f'#!/bin/sh\ncd "$(dirname "$0")/{below}" || exit 1\nexec "{vipgate}" agent page "$@"\n', encoding="utf-8"
    )
    path.chmod(0o755)
    return path


def speaks_chinese() -> bool:
    """Whether the system's language is Chinese, or VIPGATE_LANGUAGE says so."""
    wanted = os.environ.get("VIPGATE_LANGUAGE", "")
    if IS_WINDOWS and not wanted:
        import ctypes

        return ctypes.windll.kernel32.GetUserDefaultUILanguage() & 0x3FF == 0x04  # type: ignore[attr-defined,no-any-return,unused-ignore]
    found = wanted or next((text for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (text := os.environ.get(name))), "")
    return found.lower().startswith("zh")


def say(text: str, **values: object) -> None:
    """Prints a text in the language of the system."""
    print(TEXTS[text][0 if speaks_chinese() else 1].format(**values), flush=True)  # noqa: T201 - a command's output


def fail(text: str, **values: object) -> int:
    """Prints why nothing, or not all, was installed; returns the exit status."""
    say(text, **values)
    return 1


if __name__ == "__main__":
    sys.exit(main())
