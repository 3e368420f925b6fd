"""How the page's process listens."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from support.agent_page import make_park, open_page
from vipgate.agent.opening import opened_spool
from vipgate.agent.page.serve import HOST, _agent_runs, end_text, listen
from vipgate.agent.spool import SPOOL
from vipgate.support.sqlite_file import OwnerLock


def test_page_is_sent_without_waiting_for_the_acknowledgement_of_its_head() -> None:
    """Head and body are two writes: with Nagle's algorithm each page takes 40 ms longer."""
    listener = listen(0)

    async def accepted() -> int:
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def note(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            own: socket.socket = writer.get_extra_info("socket")
            found.set_result(own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        async with await asyncio.start_server(note, sock=listener):
            _, writer = await asyncio.open_connection(HOST, listener.getsockname()[1])
            try:
                return await asyncio.wait_for(found, 30)
            finally:
                writer.close()

    assert asyncio.run(accepted())


@pytest.mark.parametrize("is_unused", [False, True])
def test_end_of_the_page_says_whether_the_agent_goes_on(is_unused: bool) -> None:
    assert "The agent goes on." in end_text(is_unused=is_unused, runs=True)
    assert "not running" in end_text(is_unused=is_unused, runs=False)
    assert ("12 hours" in end_text(is_unused=is_unused, runs=True)) == is_unused


def test_agent_goes_on_only_if_one_runs(tmp_path: Path) -> None:
    page = open_page(make_park(tmp_path))
    assert not _agent_runs(page.context)
    with opened_spool(page.context.config(), None) as spool:
        assert not _agent_runs(page.context)
        lock = OwnerLock(spool.path, SPOOL)
        assert _agent_runs(page.context)
        lock.release()
    assert not _agent_runs(page.context)
    page.context.config_path.unlink()
    assert not _agent_runs(page.context)
