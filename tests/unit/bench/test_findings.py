"""Figures of several rounds: the middle one with its spread, ratios of pairs that ran one after the other."""

from __future__ import annotations

from bench.closed import Timing
from bench.cpu import CpuTimes
from bench.findings import Findings, Sample, Speed, Spread, cpu_spread, pair_ratios, sample
from bench.report import lay_out


def test_processor_time_is_that_of_a_row_not_of_a_request() -> None:
    found = sample(Timing([1_000_000] * 4, 2_000_000_000), 1_000, CpuTimes(0.02, 0.04, 0.0, 0.0))
    assert (found.a_second, found.cpu_us) == (2_000, CpuTimes(5.0, 10.0, 0.0, 0.0))


def test_ratio_is_taken_pair_by_pair_so_that_a_slow_minute_hits_both() -> None:
    ours = [Sample(speed, 1, 1) for speed in (100, 20, 60)]
    peers = [Sample(speed, 1, 1) for speed in (25, 5, 20)]
    assert pair_ratios(ours, peers) == Spread(4, 3, 4)


def test_processor_time_that_was_not_read_has_no_spread() -> None:
    assert cpu_spread([Sample(1, 1, 1)], lambda cpu: cpu.total_s) is None


def test_tables_show_the_spread_of_the_rounds_and_each_server_s_processor_time() -> None:
    gateway = [
        Sample(speed, 2, 3, 1_000, CpuTimes(cpu, 6.0, 0.5, 0.0)) for speed, cpu in ((60_000, 4.0), (70_000, 5.0))
    ]
    speeds, cpu = lay_out("SQLite", Findings([Speed("batches", gateway, [Sample(20_000, 5, 6)] * 2)]))
    assert speeds.rows == [
        ["batches", "65,000 (60,000 … 70,000); 2.0 / 3.0", "20,000; 5.0 / 6.0", "", "3.2 (3.0 … 3.5)"]
    ]
    assert cpu.rows == [["batches: gateway", "4.5 (4.0 … 5.0)", "6.0", "0.5", "", "11.0 (10.5 … 11.5)", "11.00"]]
