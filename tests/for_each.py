"""Long tables in one test: a thousand tests of a microsecond each cost the runner seconds."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest


def for_each(names: str | Sequence[str], cases: Iterable[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """As `pytest.mark.parametrize`, but one test over all cases, which names every case that fails and says why.

    Fixtures are made once for all of them: it is for tests that leave them as they were.
    """
    listed = [names] if isinstance(names, str) else list(names)
    table = [(case,) if isinstance(names, str) else tuple(case) for case in cases]
    assert table, "a table without a case proves nothing"

    def over_all(test: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(test)

        @functools.wraps(test)
        def tested(**fixtures: Any) -> None:
            __tracebackhide__ = True
            failed = []
            for case in table:
                try:
                    test(**dict(zip(listed, case, strict=True)), **fixtures)
                except Exception as error:
                    failed.append(f"{', '.join(map(repr, case))}:\n{type(error).__name__}: {error}")
            if failed:
                pytest.fail(f"{len(failed)} of {len(table)} cases fail:\n\n" + "\n\n".join(failed), pytrace=False)

        fixtures = [given for name, given in signature.parameters.items() if name not in listed]
        tested.__signature__ = signature.replace(parameters=fixtures)  # type: ignore[attr-defined]
        return tested

    return over_all
