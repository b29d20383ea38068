"""The one door to HTTP: JSON out, status and text back, bounded in time."""

from __future__ import annotations

import time
from typing import Any

from ci_migrate.errors import ReporterError

TIMEOUT = (5.0, 10.0)
"""Seconds to connect, and between two bytes of the answer."""
HURRIED_TIMEOUT = (1.0, 2.0)
ATTEMPTS = 3
LONGEST_PAUSE = 5.0
LARGEST_ANSWER = 65_536


def post_json(url: str, payload: dict[str, Any], *, hurried: bool = False) -> tuple[int, str]:
    """Post JSON and return (HTTP status, first 64 KiB of the body).

    Tries again, up to three times, when the server says 429 or 503 or cannot be connected to: in these
    cases it has not acted on the request. `hurried` tries once, and waits for 3 seconds only. Redirects
    are not followed: the URL is a credential.
    Raises ReporterError, without the URL, when nothing answers.
    """
    import requests

    attempts, timeout = (1, HURRIED_TIMEOUT) if hurried else (ATTEMPTS, TIMEOUT)
    for attempt in range(1, attempts + 1):
        try:
            with requests.post(
                url, json=payload, timeout=timeout, allow_redirects=False, stream=True
            ) as response:
                body = response.raw.read(LARGEST_ANSWER, decode_content=True)
                if response.status_code not in {429, 503} or attempt == attempts:
                    return response.status_code, body.decode("utf-8", "replace")
                pause = _pause(response.headers.get("Retry-After"), attempt)
        except requests.ConnectionError as exc:
            if attempt == attempts or isinstance(exc, requests.exceptions.SSLError):
                raise _no_answer(exc) from None
            pause = _pause(None, attempt)
        except (requests.RequestException, OSError, ValueError) as exc:
            # `from None`: these exceptions carry the URL, and the URL is a credential.
            raise _no_answer(exc) from None
        time.sleep(pause)
    raise AssertionError("unreachable")


def _pause(retry_after: str | None, attempt: int) -> float:
    if retry_after and retry_after.isdigit():
        return min(float(retry_after), LONGEST_PAUSE)
    return float(attempt)


def _no_answer(exc: Exception) -> ReporterError:
    return ReporterError(f"the server did not answer ({type(exc).__name__})")
