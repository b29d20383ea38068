"""The one door to HTTP: JSON out, status and text back, bounded in time and size."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ci_migrate.errors import NoAnswerError, ReporterError

if TYPE_CHECKING:
    import requests

TIMEOUT = (5.0, 10.0)
"""Seconds to connect, and between two bytes of the answer."""
HURRIED_TIMEOUT = (1.0, 2.0)
API_TIMEOUT = (5.0, 15.0)
"""GitHub itself gives a request up after 10 seconds."""
SECONDS, HURRIED_SECONDS, API_SECONDS = 30.0, 4.0, 60.0
"""For a request with all its attempts, however slowly the answer comes."""
ATTEMPTS = 3
LONGEST_PAUSE = 5.0
LARGEST_ANSWER = 65_536
LARGEST_API_ANSWER = 32 * 1024 * 1024
_NOT_ACTED_ON = frozenset({429, 503})
"""With these the server says that it has not acted on the request."""
_TROUBLE = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server said; the names of the headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    text: str = field(repr=False)


def post_json(url: str, payload: dict[str, Any], *, hurried: bool = False) -> tuple[int, str]:
    """Post JSON and return (HTTP status, first 64 KiB of the body).

    Tries again, up to three times, when the server says 429 or 503 or cannot be connected to: in these
    cases it has not acted on the request. `hurried` tries once, and waits for 3 seconds only. Redirects
    are not followed: the URL is a credential.
    Raises ReporterError, without the URL, when nothing answers.
    """
    try:
        answer = _ask(
            "POST",
            url,
            payload=payload,
            attempts=1 if hurried else ATTEMPTS,
            timeout=HURRIED_TIMEOUT if hurried else TIMEOUT,
            seconds=HURRIED_SECONDS if hurried else SECONDS,
            largest=LARGEST_ANSWER,
            again=lambda answer: answer.status in _NOT_ACTED_ON,
        )
    except NoAnswerError as exc:
        raise ReporterError(exc.message) from None
    return answer.status, answer.text


def ask_api(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    payload: dict[str, Any] | None = None,
    seconds: float = API_SECONDS,
) -> Answer:
    """Send a request of a JSON API and return its answer, up to 32 MiB; redirects are not followed.

    Reading (GET) is tried again, up to three times, while the server is in trouble (429, 5xx) or does not
    answer; writing only where the server has not acted on it: 429, 503, or no connection. Where the server
    asks for a pause of more than 5 seconds its answer is returned as it is. All attempts together take
    `seconds` at most.
    Raises NoAnswerError, without URL and headers.
    """
    passing = _TROUBLE if method == "GET" else _NOT_ACTED_ON
    return _ask(
        method,
        url,
        payload=payload,
        headers=headers,
        attempts=ATTEMPTS,
        timeout=API_TIMEOUT,
        seconds=seconds,
        largest=LARGEST_API_ANSWER,
        again=lambda answer: answer.status in passing and _pause(answer, 1) <= LONGEST_PAUSE,
    )


def _ask(
    method: str,
    url: str,
    *,
    payload: dict[str, Any] | None,
    headers: Mapping[str, str] | None = None,
    attempts: int,
    timeout: tuple[float, float],
    seconds: float,
    largest: int,
    again: Callable[[Answer], bool],
) -> Answer:
    """Ask in a thread: neither a slow resolver nor an answer that comes byte by byte holds this run up."""

    def ask() -> None:
        try:
            results.append(
                _ask_again(
                    lambda: _send(method, url, payload, headers, timeout, largest), attempts, again
                )
            )
        except BaseException as exc:  # noqa: BLE001 - raised again below, in the thread that asked
            errors.append(exc)
        finally:
            done.set()

    results: list[Answer] = []
    errors: list[BaseException] = []
    done = threading.Event()
    threading.Thread(target=ask, name="http", daemon=True).start()
    if not done.wait(seconds):
        raise NoAnswerError(f"the server did not answer within {seconds:.0f} s")
    if errors:
        raise errors[0]
    return results[0]


def _ask_again(ask: Callable[[], Answer], attempts: int, again: Callable[[Answer], bool]) -> Answer:
    import requests

    for attempt in range(1, attempts + 1):
        try:
            answer = ask()
            if attempt == attempts or not again(answer):
                return answer
            pause = min(_pause(answer, attempt), LONGEST_PAUSE)
        except requests.ConnectionError as exc:
            if attempt == attempts or isinstance(exc, requests.exceptions.SSLError):
                raise _no_answer(exc) from None
            pause = float(attempt)
        except (requests.RequestException, OSError, ValueError) as exc:
            # `from None`: these exceptions carry the URL, and the URL may be a credential.
            raise _no_answer(exc) from None
        time.sleep(pause)
    raise AssertionError("unreachable")


def _send(
    method: str,
    url: str,
    payload: dict[str, Any] | None,
    headers: Mapping[str, str] | None,
    timeout: tuple[float, float],
    largest: int,
) -> Answer:
    import requests

    with requests.request(
        method,
        url,
        json=payload,
        headers=headers,
        auth=_keep_headers,
        timeout=timeout,
        allow_redirects=False,
        stream=True,
    ) as response:
        return _read(response, largest)


def _read(response: requests.Response, largest: int) -> Answer:
    body = response.raw.read(largest, decode_content=True)
    return Answer(
        status=response.status_code,
        headers={name.lower(): value for name, value in response.headers.items()},
        text=body.decode("utf-8", "replace"),
    )


def _keep_headers(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Stand in for a login: without one, `requests` would put that of a ~/.netrc over our header."""
    return request


def _pause(answer: Answer, attempt: int) -> float:
    asked = answer.headers.get("retry-after", "")
    return float(asked) if asked.isdigit() else float(attempt)


def _no_answer(exc: Exception) -> NoAnswerError:
    return NoAnswerError(f"the server did not answer ({type(exc).__name__})")
