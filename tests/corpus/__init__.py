# SPDX-License-Identifier: Apache-2.0
"""Responses, hostile and unusual, and what must become of each: see README.md."""

from . import (cases_crypto, cases_encryption, cases_form, cases_rules, cases_trust,  # noqa: F401
               cases_values, cases_wrapping, cases_xml)
from .message import Kit, entity_id_of
from .partners import directory, lay_down, own_key
from .table import CASES

__all__ = ["CASES", "Kit", "directory", "entity_id_of", "lay_down", "own_key"]
