"""Every kind of business in the grammar."""

from __future__ import annotations

from recipe.grammar.trade import Trade, parse_trades
from recipe.grammar.trades import (
    beauty,
    family,
    home,
    hospitality,
    network,
    retail,
    upkeep,
)

TRADES: tuple[Trade, ...] = tuple(
    trade
    for module in (beauty, hospitality, home, upkeep, family, retail, network)
    for trade in parse_trades(module.TRADES)
)
BUSINESSES: tuple[str, ...] = tuple(trade.name for trade in TRADES)
"""The names of all kinds of business."""
