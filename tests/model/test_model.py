"""Whatever parks, staff and time do, each store holds what the model says: records, history, rollups, journal, secrets.

VIPGATE_MODEL_EXAMPLES: how many sequences for each store.
VIPGATE_MODEL_SEED: of the first one; the same seed and number give the same sequences.
VIPGATE_MODEL_STEPS: how many steps each has.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from model.machine import Machine
from model.world import World
from support.postgres_database import emptied
from support.store_database import spread

SEED = int(os.environ.get("VIPGATE_MODEL_SEED", "1"))
STEPS = int(os.environ.get("VIPGATE_MODEL_STEPS", "25"))
# PostgreSQL takes several times as long for a step.
EXAMPLES = {"sqlite": 25, "postgres": 6, "postgres, a park at a time": 5}
SETTINGS = settings(
    stateful_step_count=STEPS,
    deadline=None,
    database=None,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
)


@pytest.fixture(params=EXAMPLES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def world(request: pytest.FixtureRequest, engine: str, tmp_path: Path) -> Iterator[World]:
    if engine == "sqlite":
        url = f"sqlite:///{tmp_path / 'ledger.db'}"
    else:
        url = emptied(request.getfixturevalue("postgres_url"))
        if engine != "postgres":
            spread(url, real=False)
    made = World(url)
    yield made
    made.close()


@pytest.mark.timeout(3600)
def test_store_and_model_never_differ(world: World, engine: str) -> None:
    examples = int(os.environ.get("VIPGATE_MODEL_EXAMPLES", EXAMPLES[engine]))

    class InWorld(Machine):
        pass

    InWorld.world = world
    try:
        run_state_machine_as_test(seed(SEED)(InWorld), settings=settings(SETTINGS, max_examples=examples))
    except BaseException as error:
        error.add_note(
            f"again: VIPGATE_MODEL_SEED={SEED} VIPGATE_MODEL_EXAMPLES={examples} VIPGATE_MODEL_STEPS={STEPS}"
        )
        raise
