"""What the page's own script does over HTTP, without a browser."""

import json
import secrets
import urllib.request


def fetch(url, **headers):
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read().decode()


def press(url, element, data, event="click"):
    """Presses the button with that id, or has another event come to it, and returns the last thing shown then."""
    config = json.loads(fetch(f"{url}config"))
    (button,) = (part["id"] for part in config["components"] if part["props"].get("elem_id") == element)
    handler = next(
        dependency["id"]
        for dependency in config["dependencies"]
        if [button, event] in dependency["targets"] and dependency["backend_fn"]
    )
    return _shown_last(url, handler, data)


def arrive(url, element):
    """What the part with that id shows to a visitor who has just come,"""
    config = json.loads(fetch(f"{url}config"))
    (part,) = (part["id"] for part in config["components"] if part["props"].get("elem_id") == element)
    handler = next(one["id"] for one in config["dependencies"] if part in one["outputs"] and one["backend_fn"])
    return _shown_last(url, handler, [])


def _shown_last(url, handler, data):
    session = secrets.token_hex(8)
    asked = {"fn_index": handler, "data": data, "session_hash": session}
    join = urllib.request.Request(
        f"{url}gradio_api/queue/join", json.dumps(asked).encode(), {"content-type": "application/json"}
    )
    urllib.request.urlopen(join, timeout=20).close()
    events = fetch(f"{url}gradio_api/queue/data?session_hash={session}").split("\n\n")
    messages = [json.loads(event.removeprefix("data: ")) for event in events if event]
    return next(message for message in messages if message["msg"] == "process_completed")
