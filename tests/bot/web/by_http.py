"""What the page's own script does over HTTP, without a browser."""

import json
import secrets
import urllib.error
import urllib.request


def fetch(url, **headers):
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=90) as answer:
        return answer.read().decode()


def status_of(url, body=None, method=None, **headers):
    """The status that is answered, and the sentence or page with it."""
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=90) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()


def handler_of(url, element, event="click", **headers):
    """The number of what the server does when that event comes to the element with that id."""
    config = json.loads(fetch(f"{url}config", **headers))
    (button,) = (part["id"] for part in config["components"] if part["props"].get("elem_id") == element)
    return next(
        dependency["id"]
        for dependency in config["dependencies"]
        if [button, event] in dependency["targets"] and dependency["backend_fn"]
    )


def ask(url, handler, data, session, **headers):
    """Asks, and listens to nothing; the status that is answered."""
    asked = {"fn_index": handler, "data": data, "session_hash": session}
    body = json.dumps(asked).encode()
    return status_of(f"{url}gradio_api/queue/join", body, **{"content-type": "application/json"}, **headers)[0]


def press(url, element, data, event="click", **headers):
    """Presses the button with that id, or has another event come to it, and returns the last thing shown then."""
    return _shown_last(url, handler_of(url, element, event, **headers), data, **headers)


def arrive(url, element, **headers):
    """What the part with that id shows to a visitor who has just come."""
    config = json.loads(fetch(f"{url}config", **headers))
    (part,) = (part["id"] for part in config["components"] if part["props"].get("elem_id") == element)
    handler = next(one["id"] for one in config["dependencies"] if part in one["outputs"] and one["backend_fn"])
    return _shown_last(url, handler, [], **headers)


def _shown_last(url, handler, data, **headers):
    session = secrets.token_hex(8)
    assert ask(url, handler, data, session, **headers) == 200
    events = fetch(f"{url}gradio_api/queue/data?session_hash={session}", **headers).split("\n\n")
    messages = [json.loads(event.removeprefix("data: ")) for event in events if event]
    return next(message for message in messages if message["msg"] == "process_completed")
