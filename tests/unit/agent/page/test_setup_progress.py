"""The steps of the set-up that are done, and where the set-up goes on."""

from __future__ import annotations

from pathlib import Path

from support.agent_page import OpenPage, make_park, open_page


def leads_to(page: OpenPage) -> str:
    return str(page.client.get(f"{page.context.base}/setup").headers["location"]).rpartition("/")[2]


def test_set_up_goes_on_with_the_first_step_that_is_not_done(tmp_path: Path) -> None:
    config = make_park(tmp_path)
    whole = config.read_text(encoding="utf-8")
    page = open_page(config)
    config.unlink()
    assert leads_to(page) == "platform"
    config.write_text(whole.partition("[source]")[0], encoding="utf-8")
    assert leads_to(page) == "source"
    config.write_text(whole.replace('table = "续费记录"', ""), encoding="utf-8")
    assert leads_to(page) == "source"
    config.write_text(whole.partition("[map]")[0], encoding="utf-8")
    assert leads_to(page) == "mapping"
    config.write_text(whole.replace('quantity = "数量"', 'quantity = "数量"  # ? months'), encoding="utf-8")
    assert leads_to(page) == "mapping"
    status = '# ? 状态 has the values 1, 0: which are paid renewals; send only these by [[filter]] column = "状态", in = […]\n'
    config.write_text(status + whole, encoding="utf-8")
    assert leads_to(page) == "mapping"
    config.write_text(whole, encoding="utf-8")
    assert leads_to(page) == "preview"
    page.get("/setup/preview")
    assert leads_to(page) == "start"


def test_done_steps_have_a_tick_that_is_also_said(tmp_path: Path) -> None:
    config = make_park(tmp_path)
    page = open_page(config)
    assert page.get("/setup/platform").count("✓") == 3
    assert page.get("/setup/platform").count("(done)") == 3
    page.post("/language", {"language": "zh"})
    assert page.get("/setup/platform").count("（已完成）") == 3
    page.spool().close()
    assert page.get("/setup/platform").count("✓") == 5
