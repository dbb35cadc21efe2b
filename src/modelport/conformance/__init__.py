"""Does a model keep its contract? Asked for real, promise by promise, with the mend for each that is broken."""

from modelport.conformance.examine import examine
from modelport.conformance.report import Finding, Report

__all__ = ("Finding", "Report", "examine")
