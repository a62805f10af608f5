"""A page that others can reach asks for its token."""

import asyncio
import http.client
import re
import subprocess
import sys
from urllib.parse import urlencode, urlsplit

import pytest
from pydantic import SecretStr

from bot.settings import SettingsError, load_settings
from bot.web import access
from bot.web.access import COOKIE_SECONDS, MAX_TRIES, TRIES_SECONDS, Access, access_for, check_reachable
from bot.web.request_body import Refused
from bot.web.server import running_page
from tests.bot.web.by_http import press, status_of

TOKEN = "a long and winding token"
FORM = {"content-type": "application/x-www-form-urlencoded"}


class Clock:
    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def door(clock):
    return Access(TOKEN, clock)


def form(token):
    return urlencode({"token": token}).encode()


def cookie_of(door, token=TOKEN, address="10.0.0.1", https=False):
    given = door.cookie_for(form(token), address, https=https)
    return given and {b"cookie": given.split(b";")[0]}


def test_only_the_token_opens_and_its_cookie_lasts_a_week(door, clock):
    assert cookie_of(door, "something else") is None
    assert cookie_of(door, "") is None
    cookie = cookie_of(door)
    assert door.admits(cookie, "10.0.0.2")
    clock.now += COOKIE_SECONDS - 1
    assert door.admits(cookie, "10.0.0.1")
    clock.now += 2
    assert not door.admits(cookie, "10.0.0.1")


def test_a_cookie_of_another_token_or_time_opens_nothing(door, clock):
    kept = cookie_of(door)[b"cookie"]
    assert not Access(TOKEN + "!", clock).admits({b"cookie": kept}, "10.0.0.1")
    assert Access(TOKEN, clock).admits({b"cookie": kept}, "10.0.0.1")  # after a restart
    for wrong in (
        kept.replace(b"=1", b"=9"),
        kept[:-1],
        b"vibecheck=",
        b"vibecheck=.",
        b"vibecheck=\xe9.\xe9",
        b"vibecheck=" + "²".encode() + b".x",
        b"=;=;",
        b"",
    ):
        assert not door.admits({b"cookie": wrong}, "10.0.0.1")


@pytest.mark.parametrize(
    "others",
    ['prefs={"a": "b", "c": 1}; %s', "a b=c; %s", "=x; %s", 'a="x,y; %s', "vibecheck=x; %s; vibecheck=y", "%s;é"],
)
def test_cookies_of_others_on_the_same_host_keep_nobody_out(door, others):
    """A browser sends those of every port of a host, and programs put anything into them."""
    kept = cookie_of(door)[b"cookie"].decode()
    assert door.admits({b"cookie": (others % kept).encode("latin-1")}, "10.0.0.1")


def test_the_cookie_is_for_the_page_alone(door):
    assert b"HttpOnly; SameSite=Strict" in door.cookie_for(form(TOKEN), "10.0.0.1", https=False)
    assert b"; Secure" not in door.cookie_for(form(TOKEN), "10.0.0.1", https=False)
    assert door.cookie_for(form(TOKEN), "10.0.0.1", https=True).endswith(b"; Secure")
    assert TOKEN.encode() not in door.cookie_for(form(TOKEN), "10.0.0.1", https=True)


def test_a_proxy_shows_the_token_with_each_request(door):
    assert door.admits({b"authorization": b"Bearer " + TOKEN.encode()}, "10.0.0.1")
    assert door.admits({b"authorization": b"bearer " + TOKEN.encode()}, "10.0.0.1")
    assert not door.admits({b"authorization": b"Bearer x"}, "10.0.0.1")
    assert not door.admits({b"authorization": b"Basic " + TOKEN.encode()}, "10.0.0.1")


@pytest.mark.parametrize(
    ("guesser", "same", "other"),
    [("10.0.0.1", "10.0.0.1", "10.0.0.2"), ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1")],
)
def test_whoever_guesses_is_refused_for_a_while(door, clock, guesser, same, other):
    for _ in range(MAX_TRIES):
        assert cookie_of(door, "wrong", guesser) is None
    with pytest.raises(Refused, match="Too many wrong tokens"):
        cookie_of(door, TOKEN, same)
    with pytest.raises(Refused, match="Too many wrong tokens"):
        door.admits({b"authorization": b"Bearer " + TOKEN.encode()}, same)
    cookie = cookie_of(door, TOKEN, other)
    assert door.admits(cookie, same)  # whoever is in stays in
    clock.now += TRIES_SECONDS + 1
    assert cookie_of(door, TOKEN, same)


def test_those_who_guess_are_not_remembered_without_end(door, monkeypatch):
    monkeypatch.setattr(access, "MAX_ADDRESSES", 3)
    for number in range(9):
        cookie_of(door, "wrong", f"10.0.0.{number}")
    assert len(door._tries) == 3


@pytest.mark.parametrize("body", [b"", b"token", b"token=%ff%fe", b"\xff", b"a=1&" * 9, b"token=" + b"%00" * 9])
def test_a_form_that_is_none_opens_nothing(door, body):
    assert door.cookie_for(body, "10.0.0.1", https=False) is None


def test_a_page_that_others_can_reach_needs_a_word(settings):
    check_reachable(settings, reachable=False)
    assert access_for(settings) is None
    with pytest.raises(SettingsError, match=r"^Other machines could open the page\. Set WEB_TOKEN"):
        check_reachable(settings, reachable=True)
    settings = settings.model_copy(update={"web_open": True})
    check_reachable(settings, reachable=True)
    assert access_for(settings) is None


@pytest.mark.parametrize("token", ["short", "aaaaaaaaaaaaaaaaaaaaaaaa", "abababababababababab"])
def test_a_token_that_is_easy_to_guess_is_refused(monkeypatch, token):
    monkeypatch.setenv("WEB_TOKEN", token)
    with pytest.raises(SettingsError, match=r"WEB_TOKEN.*at least 16 characters") as refusal:
        load_settings()
    assert token not in str(refusal.value)


@pytest.mark.parametrize("arguments", [["--host", "0.0.0.0"], ["--share"]], ids=" ".join)
def test_the_command_ends_with_78_and_one_sentence(arguments):
    command = [sys.executable, "-m", "bot", "web", "--no-browser", "--port", "0", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert ended.returncode == 78
    assert ended.stderr.strip().splitlines()[-1].endswith(access.NEEDED)


@pytest.fixture
async def closed(classifier, settings):
    """The address of a page that asks for a token."""
    asking = settings.model_copy(update={"web_token": SecretStr(TOKEN)})
    async with running_page(classifier, asking, "0.0.0.0", 0) as address:
        yield address.url


def log_in(url, body, **headers):
    """The answer to the form, which is not followed."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    connection.request("POST", "/login", body, FORM | headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


async def test_without_the_token_there_is_only_its_form(closed):
    status, page = await asyncio.to_thread(status_of, closed)
    assert status == 401
    assert re.search(r'<form method="post" action="login">', page)
    assert "gradio" not in page
    for path in ("config", "theme.css", "gradio_api/queue/data?session_hash=a"):
        assert (await asyncio.to_thread(status_of, closed + path))[0] == 401
    assert (await asyncio.to_thread(status_of, f"{closed}gradio_api/queue/join", b"{}"))[0] == 401
    assert (await asyncio.to_thread(status_of, f"{closed}gradio_api/upload", b"{}"))[0] == 404


async def test_the_form_opens_the_page(closed):
    wrong = await asyncio.to_thread(log_in, closed, form("wrong"))
    # With "no-referrer" a browser sends the form from the origin "null", which is another page's.
    assert wrong.headers.get_all("referrer-policy") == ["same-origin"]
    assert "script-src" not in wrong.headers["content-security-policy"]
    assert (wrong.status, wrong.headers["set-cookie"]) == (401, None)
    elsewhere = await asyncio.to_thread(log_in, closed, form(TOKEN), Origin="https://evil.example")
    assert (elsewhere.status, elsewhere.headers["set-cookie"]) == (403, None)
    right = await asyncio.to_thread(log_in, closed, form(TOKEN))
    assert (right.status, right.headers["location"]) == (303, "./")
    cookie = right.headers["set-cookie"].split(";")[0]
    assert (await asyncio.to_thread(press, closed, "vc-read", ["i love it"], Cookie=cookie))["success"]


async def test_a_proxy_may_pass_cookies_on_one_by_one(closed):
    cookie = (await asyncio.to_thread(log_in, closed, form(TOKEN))).headers["set-cookie"].split(";")[0]

    def asked():
        connection = http.client.HTTPConnection(urlsplit(closed).netloc, timeout=20)
        connection.putrequest("GET", "/config")
        for each in (cookie, "other=1"):
            connection.putheader("Cookie", each)
        connection.endheaders()
        status = connection.getresponse().status
        connection.close()
        return status

    assert await asyncio.to_thread(asked) == 200


async def test_a_proxy_may_show_it_and_guesses_end(closed):
    shown = {"Authorization": f"Bearer {TOKEN}"}
    assert (await asyncio.to_thread(press, closed, "vc-read", ["i love it"], **shown))["success"]
    for _ in range(MAX_TRIES):
        assert (await asyncio.to_thread(log_in, closed, form("wrong"))).status == 401
    assert (await asyncio.to_thread(log_in, closed, form(TOKEN))).status == 429
