"""Tuning methods, one file each; ``registry.py`` lists them.

The file of a method holds its settings (a pydantic class), the parameters that it trains, how these
are saved and loaded, and ``METHOD``, which ties these together (see ``method.py``). Importing it
loads no torch: experiment files are parsed without it, so the functions import torch themselves.
"""
