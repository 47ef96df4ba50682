"""Steps of prefect.yaml: every recipe gets its deployment, and workers run from the repository.

`prefect deploy --all` runs `deploy_recipes` as a build step. It deploys each recipe in flows/recipes that
prefect.yaml does not name, with the schedule that the recipe asks for: adding a recipe file is enough.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.schedules import CronSchedule
from prefect.utilities.callables import parameter_schema

from flows.outlook import RECIPES
from schemas.recipe import Recipe, load_recipe, recipe_names

REPOSITORY = Path(__file__).resolve().parents[1]
ENTRYPOINT = "flows/curate.py:curate"


def enter_repository() -> dict[str, Any]:
    """Pull step: let the run begin in the repository, wherever the worker was started."""
    os.chdir(REPOSITORY)
    return {"directory": str(REPOSITORY)}


async def deploy_recipes() -> dict[str, Any]:
    """Build step: deploy `curate/<recipe>` for every recipe that prefect.yaml does not list."""
    settings = yaml.safe_load((REPOSITORY / "prefect.yaml").read_text(encoding="utf-8"))
    listed = {deployment["name"] for deployment in settings["deployments"]}
    pool = settings["deployments"][0]["work_pool"]["name"]
    added = [name for name in recipe_names(RECIPES) if name not in listed]
    for name in added:
        await _deploy(load_recipe(RECIPES / f"{name}.yaml"), pool, settings["pull"])
        print(f"deployed curate/{name}, from its recipe")
    return {"recipes": added}


async def _deploy(recipe: Recipe, pool: str, pull_steps: list[dict[str, Any]]) -> None:
    from flows.curate import curate

    async with get_client() as client:
        await client.create_deployment(
            flow_id=await client.create_flow(curate),
            name=recipe.name,
            description=recipe.title,
            tags=[recipe.name],
            parameters={"recipe": recipe.name},
            parameter_openapi_schema=parameter_schema(curate).model_dump_for_openapi(),
            enforce_parameter_schema=True,
            entrypoint=ENTRYPOINT,
            pull_steps=pull_steps,
            work_pool_name=pool,
            schedules=schedules_of(recipe),
            concurrency_limit=1,
        )


def schedules_of(recipe: Recipe) -> list[DeploymentScheduleCreate]:
    """The schedules of a recipe's deployment, as Prefect takes them."""
    if recipe.schedule is None:
        return []
    cron = CronSchedule(cron=recipe.schedule.cron, timezone=recipe.schedule.timezone)
    return [DeploymentScheduleCreate(schedule=cron, active=recipe.schedule.active)]
