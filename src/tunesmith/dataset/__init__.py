"""Rows: read from files, the hub or memory, checked and split."""

from tunesmith.dataset.memory import dataset_of
from tunesmith.dataset.reading import INPUT, load_dataset, parse_rows
from tunesmith.dataset.rows import HUB, Dataset
from tunesmith.dataset.sampling import (
    check_training_rows,
    few_shot_examples,
    stratified_sample,
    stratified_split,
)
from tunesmith.dataset.sources import DataSpec, ExperimentData, load_data

__all__ = [
    "HUB",
    "INPUT",
    "DataSpec",
    "Dataset",
    "ExperimentData",
    "check_training_rows",
    "dataset_of",
    "few_shot_examples",
    "load_data",
    "load_dataset",
    "parse_rows",
    "stratified_sample",
    "stratified_split",
]
