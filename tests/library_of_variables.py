"""ContextVars as libraries have them, which know nothing of wool."""

from contextvars import ContextVar

__all__ = ["CORRELATION", "LABELS", "SPAN", "Correlation", "bind", "bound"]

CORRELATION: ContextVar[str] = ContextVar("tests_correlation", default="-")
LABELS: dict[str, ContextVar[str]] = {}


class Correlation:
    VAR: ContextVar[str] = ContextVar("tests_correlation_of_a_class", default="-")


class _Span:
    def __init__(self) -> None:
        self.current: ContextVar[str] = ContextVar("tests_span", default="-")


SPAN = _Span()


def bind(label: str, value: str) -> ContextVar[str]:
    """Set a label, whose variable is made when it is used first."""
    if label not in LABELS:
        LABELS[label] = ContextVar(f"tests_label_{label}", default="-")
    LABELS[label].set(value)
    return LABELS[label]


def bound() -> dict[str, str]:
    """Return the labels that are set here."""
    return {label: var.get() for label, var in LABELS.items()}
