"""What an examination found, as data. Prints nothing."""

from typing import Any

from msgspec import Struct, to_builtins

__all__ = ("Finding", "Report")


class Finding(Struct, frozen=True, omit_defaults=True):
    """One promise: held (True), broken (False), or neither (None: it does not apply, or could not be seen).

    ``what`` says what was seen; ``mend`` what to do where it is broken, or could be better.
    """

    promise: str
    held: bool | None
    what: str
    mend: str = ""


class Report(Struct, frozen=True, kw_only=True):
    """Everything that was found about one model; ``contract`` is the shape by which it was recognised, if it was."""

    model: str
    contract: str | None
    findings: tuple[Finding, ...]
    seconds: float  # the whole examination took

    @property
    def held(self) -> bool:
        """Whether no promise is broken."""
        return not self.broken

    @property
    def broken(self) -> tuple[Finding, ...]:
        """The findings of broken promises."""
        return tuple(finding for finding in self.findings if finding.held is False)

    def to_data(self) -> dict[str, Any]:
        """The report as what JSON has: ``model``, ``contract``, ``held``, ``seconds``, and the ``findings``."""
        findings = [
            {"promise": each.promise, "held": each.held, "what": each.what, "mend": each.mend} for each in self.findings
        ]
        data = {"model": self.model, "contract": self.contract, "held": self.held, "seconds": round(self.seconds, 3)}
        return {**data, "findings": to_builtins(findings)}
