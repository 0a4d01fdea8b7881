"""The models of a provider, and what can be done with each."""

from __future__ import annotations

import threading

import openai

from tunesmith.backend import Capabilities, Range
from tunesmith.errors import NotFoundError, near_misses
from tunesmith.records import BaseModelInfo
from tunesmith_openai.chat import parameters
from tunesmith_openai.connection import Connection
from tunesmith_openai.errors import NOT_OFFERED
from tunesmith_openai.methods import ProviderFinetune
from tunesmith_openai.offers import Offer, offer_id
from tunesmith_openai.probing import find_offer
from tunesmith_openai.store import Store

BACKEND = "openai"
_RANGES = {
    "num_epochs": Range(minimum=1, maximum=50),
    "batch_size": Range(minimum=1, maximum=256),
    "learning_rate_multiplier": Range(minimum=0.001, maximum=100),
    "verbalizer": Range(),
}


class Catalog:
    """The models, asked of the service once per backend, and their offers."""

    def __init__(self, connection: Connection, store: Store) -> None:
        self._connection = connection
        self._store = store
        self._listed: dict[str, BaseModelInfo] | None = None
        self._offers: dict[str, Offer] = {}
        self._tunes: bool | None = None
        self._asking = threading.RLock()

    def served(self) -> dict[str, BaseModelInfo]:
        """Return the models by name; none if the server has no list of them."""
        with self._asking:
            if self._listed is None:
                self._listed = {name: BaseModelInfo(name=name) for name in self._names()}
            return self._listed

    def find(self, name: str) -> BaseModelInfo:
        """Return the model ``name``. A server without a list has every model.

        Raises:
            NotFoundError: there is none; near misses are named.
        """
        served = self.served()
        if name in served or not served:
            return BaseModelInfo(name=name)
        if not self.exists(name):
            raise NotFoundError(
                f"{self._connection.options.host} has no model {name!r}."
                f"{near_misses(name, served)} 'tunesmith models --backend openai' lists its models"
            )
        return BaseModelInfo(name=name)

    def exists(self, name: str) -> bool:
        """Ask the service for a model now: its list, then the model itself.

        A list may leave out some models, and a server may not find a name with a slash in a path.
        """
        if name in self._names():
            return True
        try:
            with self._connection.call(f"asking for the model {name!r}"):
                self._connection.client.models.retrieve(name)
        except NotFoundError:
            return False
        return True

    def offer(self, name: str) -> Offer:
        """Return what the server offers for ``name``: of memory, of the store, or asked now.

        Raises:
            BackendError: the server failed.
        """
        with self._asking:
            if name not in self._offers:
                self._offers[name] = self._kept(name) or self._ask(name)
            return self._offers[name]

    def capabilities(self, name: str) -> Capabilities:
        """Return the capabilities for ``name``.

        Raises:
            NotFoundError: there is no such model.
            UnsupportedError: the server does not have the reading that the options name.
        """
        self.find(name)
        options, offer = self._connection.options, self.offer(name)
        scored = offer.scores(options.reading) is not None
        tunes = offer.chats and self._offers_jobs()
        return Capabilities(
            methods=(ProviderFinetune.name,) if tunes else (),
            why_no_methods="" if tunes else self._why_no_methods(),
            hyperparameters=_RANGES if tunes else {},
            generation_parameters=parameters(offer),
            base_inference=offer.chats,
            validation=tunes,
            label_scores=scored and tunes,
            base_label_scores=scored,
            chat=offer.chats,
            learning_curve=tunes,
            batch_independent=offer.greedy,
            resumable=tunes,
            cancellable=tunes,
            remote=True,
            costs_money=not options.on_this_machine,
            notes=(offer.note(options.reading),),
        )

    def _names(self) -> list[str]:
        with self._connection.call("asking for the models"):
            try:
                return [model.id for model in self._connection.client.models.list()]
            except openai.APIStatusError as error:
                if error.status_code not in NOT_OFFERED:
                    raise
                return []

    def _kept(self, name: str) -> Offer | None:
        try:
            return self._store.offers.get(offer_id(self._connection.options.base_url, name))
        except NotFoundError:
            return None

    def _ask(self, name: str) -> Offer:
        offer = find_offer(self._connection, name)
        self._store.offers.put(offer.id, offer)
        return offer

    def _offers_jobs(self) -> bool:
        with self._asking:
            if self._tunes is None:
                self._tunes = self._ask_for_jobs()
            return self._tunes

    def _ask_for_jobs(self) -> bool:
        with self._connection.call("asking for the fine-tuning jobs"):
            try:
                self._connection.client.fine_tuning.jobs.list(limit=1)
            except openai.APIStatusError as error:
                if error.status_code not in NOT_OFFERED:
                    raise
                return False
        return True

    def _why_no_methods(self) -> str:
        return (
            f"{self._connection.options.host} offers no fine-tuning here (/fine_tuning/jobs); "
            "take method zero_shot or few_shot, another provider, or --backend local"
        )
