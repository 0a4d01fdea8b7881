"""The route table: every address of the emulator."""

from __future__ import annotations

from tunesmith_emulator.routes import (
    assets,
    batches,
    catalogue,
    control,
    deployments,
    embeddings,
    guardrails,
    iam,
    inference,
    platform,
    prompts,
    repository,
    specifications,
    stored_code,
    trainings,
    utility_tools,
)
from tunesmith_emulator.routes.routing import Route

ROUTES: tuple[Route, ...] = (
    *iam.ROUTES,
    *platform.ROUTES,
    *specifications.ROUTES,
    *assets.ROUTES,
    *catalogue.ROUTES,
    *prompts.ROUTES,
    *repository.ROUTES,
    *trainings.ROUTES,
    *deployments.ROUTES,
    *stored_code.ROUTES,
    *inference.ROUTES,
    *embeddings.ROUTES,
    *guardrails.ROUTES,
    *batches.ROUTES,
    *utility_tools.ROUTES,
    *control.ROUTES,
)
