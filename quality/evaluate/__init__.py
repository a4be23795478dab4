"""Evaluation of validation rules over whole batches in DuckDB."""

from quality.evaluate.coalescer import Coalescer, Gathered
from quality.evaluate.evaluator import EVALUATION, Evaluator
from quality.evaluate.standard import standard

__all__ = ["EVALUATION", "Coalescer", "Evaluator", "Gathered", "standard"]
