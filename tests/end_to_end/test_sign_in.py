"""Sign-in by OpenID Connect, and everything that tries to get around it."""
import concurrent.futures
import copy
import os
import pty
import re
import select
import subprocess
import time
import urllib.parse

import httpx
import pytest

from harness.browser import REDIRECTS, forms_of
from harness.processes import BIN, PATIENCE, wait_until
from harness.refusal import page, problem
from harness.sign_in import session_cookies, start

PASSWORD = "bob-demo-password"


# -- the ordinary way -----------------------------------------------------------------------------------------------


def test_sign_in_ends_on_the_page_first_asked_for(world, browser):
    url = world.url("intranet", "echo/some/page?a=1&b=%2F%20x&c")
    answer = browser.sign_in(url, "bob", PASSWORD)
    assert answer.status_code == 200 and str(answer.url) == url
    assert answer.json()["target"] == "/echo/some/page?a=1&b=%2F%20x&c"


def test_the_authorization_request_is_as_it_should_be(world, browser):
    query, answer = start(browser, world.url("intranet", "form"))
    assert answer.headers["location"].startswith(world.url("sts"))
    assert query["response_type"] == "code" and query["client_id"] == "intranet"
    assert query["redirect_uri"] == world.url("intranet", ".postern/callback")
    assert query["code_challenge_method"] == "S256" and len(query["code_challenge"]) == 43
    assert len(query["state"]) >= 16 and len(query["nonce"]) >= 16
    assert "openid" in query["scope"].split()


def test_state_nonce_and_challenge_are_new_for_each_attempt(world, browser):
    first, second = (start(browser, world.url("intranet"))[0] for _ in range(2))
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]


def test_the_session_cookie_is_protected(world, browser):
    browser.sign_in(world.url("intranet"), "bob", PASSWORD)
    kept = {one.name for one in session_cookies(browser, "intranet")}
    mine = [text for response, text in browser.cookie_headers()
            if response.url.host == "intranet.localhost" and text.split("=")[0] in kept]
    assert mine
    for text in mine:
        assert text.startswith("__Host-")
        attributes = [one.strip().lower() for one in text.split(";")[1:]]
        assert "secure" in attributes and "httponly" in attributes and "samesite=lax" in attributes
        assert not [one for one in attributes if one.startswith(("max-age", "expires", "domain"))]
        assert len(text) < 4096
        assert "bob" not in text and "example.com" not in text


def test_a_persistent_cookie_says_how_long(world, browser):
    world.raw.on("/lasting", lambda e: e.answer(200, b"ok"))
    assert browser.sign_in(world.url("lasting", "lasting"), "bob", PASSWORD).status_code == 200
    kept = session_cookies(browser, "lasting")
    assert kept and all(one.expires and 0 < one.expires - time.time() <= 8 * 3600 + 5 for one in kept)


def test_a_cookie_for_scripts_only_if_the_application_wants_so(world, browser):
    world.raw.on("/scripted", lambda e: e.answer(200, b"ok"))
    assert browser.sign_in(world.url("scripted", "scripted"), "bob", PASSWORD).status_code == 200
    name = session_cookies(browser, "scripted")[0].name
    text = next(text for _, text in browser.cookie_headers() if text.startswith(name + "="))
    assert "httponly" not in text.lower() and "secure" in text.lower()


def test_the_second_application_needs_no_second_password(world, browser):
    browser.sign_in(world.url("intranet"), "bob", PASSWORD)
    answer = browser.open(world.url("second", "whoami"))
    assert answer.status_code == 200 and "bob" in answer.text
    assert all(one.request.method == "GET" for one in browser.visited)


def test_ten_tabs_at_once_all_succeed(world):
    tabs = [world.url("intranet", f"echo/tab/{number}") for number in range(10)]
    with world.browser() as browser:
        # Ten sign-in pages of one browser profile are open before the first password is typed.
        pages = [browser.open(url) for url in tabs]
        for url, sign_in_page in zip(tabs, pages):
            assert str(browser.pass_sign_in(sign_in_page, "bob", PASSWORD).url) == url


def test_ten_tabs_in_parallel_all_succeed(world):
    tabs = [world.url("intranet", f"echo/tab/{number}") for number in range(10)]
    with world.browser() as browser:
        def one_tab(url):
            tab = world.browser()
            tab.client._cookies = browser.client.cookies  # pylint: disable=protected-access; one profile
            try:
                return str(tab.sign_in(url, "bob", PASSWORD).url)
            finally:
                tab.client.close()
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            assert list(pool.map(one_tab, tabs)) == tabs


def test_a_wrong_password_says_so_and_can_be_repeated(world, browser):
    form_page = browser.open(world.url("intranet", "form"))
    again = browser.pass_sign_in(form_page, "bob", "not bobs password")
    assert again.status_code in (200, 400, 401, 403) and forms_of(again.text)
    assert not session_cookies(browser, "intranet")
    assert browser.pass_sign_in(again, "bob", PASSWORD).status_code == 200


def test_wrong_passwords_stand_in_the_audit_log_and_names_nobody_bears_do_not(world, browser):
    for user in ("bob", "typed-a-secret-here"):
        browser.pass_sign_in(browser.open(world.url("intranet")), user, "wrong")
    browser.sign_in(world.url("intranet"), "bob", PASSWORD)

    def recorded():
        events = world.control.api("GET", "/audit?limit=1000").json()["audit"]
        return [one for one in events if one["category"] == "sts"]
    wait_until(lambda: {"signed_in", "sign_in_failed"} <= {one["action"] for one in recorded()}, "both events")
    failed = [one for one in recorded() if one["action"] == "sign_in_failed"]
    assert "bob" in {one["actor"] for one in failed} and "typed-a-secret-here" not in str(recorded())
    assert all(one["address"] == "127.0.0.1" and one["request_id"] for one in failed)


@pytest.mark.parametrize("again,code", [("pass-typed-here", 0), ("pass-typed-hare", 2)])
def test_a_password_that_is_typed_is_asked_twice_and_not_shown(again, code):
    own, theirs = pty.openpty()
    hashing = subprocess.Popen([BIN / "postern", "hash-password"], stdin=theirs, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    shown = b""
    for prompt, line in ((b"Password: ", "pass-typed-here"), (b"again: ", again)):
        while not shown.endswith(prompt):
            assert select.select([own], [], [], 20 * PATIENCE)[0], shown
            shown += os.read(own, 1)
        os.write(own, line.encode() + b"\n")
    out, _ = hashing.communicate(timeout=60)
    assert hashing.returncode == code and b"typed" not in shown + out
    assert out.startswith(b"$scrypt$") == (code == 0)
    os.close(own)


def test_unknown_users_and_wrong_passwords_look_the_same(world, browser):
    texts = []
    for user in ("bob", "nobody-of-that-name"):
        answer = browser.pass_sign_in(browser.open(world.url("intranet")), user, "wrong")
        assert answer.status_code != 500
        # What differs is what was typed, and what is random.
        texts.append(re.sub(r'value="[^"]*"|[A-Za-z0-9_-]{16,}', "", answer.text).replace(user, ""))
    assert texts[0] == texts[1]


def test_who_is_not_assigned_is_refused(world, browser):
    answer = browser.sign_in(world.url("intranet"), "carol", world.node.users["carol"]["password"])
    text = page(answer, 403)
    assert "ssign" in text
    value = problem(browser.fetch(world.url("intranet")), (401, 403))
    assert value["source"]


def test_assignment_by_group(world):
    with world.signed_in("intranet", "alice") as browser:
        assert "alice" in browser.get(world.url("intranet", "whoami")).text


def test_sign_out_ends_the_session(world):
    with world.signed_in() as browser:
        assert browser.get(world.url("intranet", "whoami")).status_code == 200
        old = [(one.name, one.value) for one in session_cookies(browser, "intranet")]
        left = browser.open(world.url("intranet", ".postern/logout"))
        if left.status_code == 200 and forms_of(left.text) and not forms_of(left.text)[0].field_of_type("password"):
            browser.follow(browser.submit(left, {}))
        assert browser.get(world.url("intranet", "whoami")).status_code in REDIRECTS
        # The cookie that was kept elsewhere opens nothing any more either.
        for name, value in old:
            browser.client.cookies.set(name, value, domain="intranet.localhost")
        assert browser.fetch(world.url("intranet", "whoami")).status_code == 401


def test_sessions_outlive_other_tabs_sign_ins(world):
    with world.signed_in() as browser:
        for _ in range(3):
            assert browser.get(world.url("intranet", "echo")).status_code == 200
        browser.sign_in(world.url("second"), "bob", PASSWORD)
        assert browser.get(world.url("intranet", "echo")).status_code == 200


# -- cookies that are not ours --------------------------------------------------------------------------------------


def changed(value, position):
    other = "A" if value[position] != "A" else "B"
    return value[:position] + other + value[position + 1:]


def test_truncated_and_forged_cookies_open_nothing(world):
    with world.signed_in() as browser:
        cookie = session_cookies(browser, "intranet")[0]
    name, value = cookie.name, cookie.value
    forgeries = ["", "x", value[:-1], value[:20], value[1:], value + "A", value * 2, "A" * len(value), "=", '"' + value[3:],
                 *(changed(value, position) for position in range(0, len(value), max(1, len(value) // 12)))]
    with world.browser() as browser:
        for one in forgeries:
            answer = browser.fetch(world.url("intranet", "echo"), headers={"Cookie": f"{name}={one}"})
            assert problem(answer, 401)["cause"], one
        good = browser.fetch(world.url("intranet", "echo"), headers={"Cookie": f"{name}={value}"})
        assert good.status_code == 200


def test_the_cookie_of_one_application_opens_no_other(world):
    with world.signed_in("intranet") as browser:
        cookie = session_cookies(browser, "intranet")[0]
    with world.browser() as browser:
        text = f"{cookie.name}={cookie.value}"
        assert browser.fetch(world.url("second", "echo"), headers={"Cookie": text}).status_code == 401
        answer = browser.get(world.url("second", "echo"))
        assert answer.status_code in REDIRECTS


# -- callbacks that are not answers ---------------------------------------------------------------------------------


def callback(world, **query):
    return world.url("intranet", ".postern/callback?" + urllib.parse.urlencode(query))


def test_a_callback_nobody_asked_for_is_refused(world, browser):
    for query in ({}, {"code": "x"}, {"state": "x"}, {"code": "x", "state": "x"}, {"code": "x", "state": "A" * 400},
                  {"error": "access_denied"}, {"code": "x" * 10_000, "state": "y"}):
        answer = browser.get(callback(world, **query))
        assert 400 <= answer.status_code < 500, (query, answer.status_code)
        assert not session_cookies(browser, "intranet")


def test_a_state_is_good_for_one_browser_only(world):
    with world.browser() as victim, world.browser() as attacker:
        way = attacker.open(world.url("intranet"))
        answer = attacker.submit(way, *filled(way))
        while "/.postern/callback" not in answer.headers["location"]:
            answer = attacker.step(answer)
        # The attacker's callback, opened in the victim's browser, must not sign the victim in as the attacker.
        assert 400 <= victim.get(answer.headers["location"]).status_code < 500
        assert not [one for one in session_cookies(victim, "intranet") if one.value]


def filled(sign_in_page):
    form = forms_of(sign_in_page.text)[0]
    return ({form.field_of_type("text", "email"): "bob", form.field_of_type("password"): PASSWORD},)


def copied(cookies):
    jar = httpx.Cookies()
    for one in cookies.jar:
        jar.jar.set_cookie(copy.copy(one))
    return jar


def test_a_state_is_good_once(world):
    with world.browser() as browser:
        sign_in_page = browser.open(world.url("intranet", "form"))
        answer = browser.submit(sign_in_page, *filled(sign_in_page))
        while "/.postern/callback" not in answer.headers["location"]:
            answer = browser.step(answer)
        used, before = answer.headers["location"], copied(browser.client.cookies)
        assert [one for one in before.jar if "-attempt-" in one.name]
        assert browser.step(answer).status_code in REDIRECTS
        # Also for whoever has kept the cookie of the attempt.
        browser.client.cookies = before
        assert "code_refused" in page(browser.get(used))
        assert not [one for one in session_cookies(browser, "intranet") if one.value]


@pytest.mark.parametrize("target", ["//www.example.org/", "/\\www.example.org", "/%5Cwww.example.org/", "///www.example.org",
                                    "/https://www.example.org/", "/.postern/callback", "//sts.localhost@www.example.org"])
def test_no_address_leads_off_the_application(world, target):
    with world.browser() as browser:
        first = browser.get(f"https://intranet.localhost:{world.node.port}{target}")
        answer = first
        for _ in range(20):
            if answer.status_code not in REDIRECTS:
                if not (answer.url.host == "sts.localhost" and forms_of(answer.text)):
                    break
                answer = browser.submit(answer, *filled(answer))
                continue
            there = urllib.parse.urljoin(str(answer.url), answer.headers["location"])
            host = urllib.parse.urlsplit(there.replace("\\", "/")).hostname
            assert host in ("intranet.localhost", "sts.localhost"), there
            answer = browser.step(answer)


@pytest.mark.parametrize("changes", [
    {"redirect_uri": "https://www.example.org/"}, {"redirect_uri": "https://intranet.localhost/.postern/callback/../x"},
    {"client_id": "second"}, {"client_id": "nobody"}])
def test_the_sts_sends_codes_nowhere_else(world, browser, changes):
    query, answer = start(browser, world.url("intranet"))
    there = answer.headers["location"].split("?")[0] + "?" + urllib.parse.urlencode({**query, **changes})
    refused = browser.get(there)
    assert 400 <= refused.status_code < 500 and "location" not in refused.headers


def test_the_sts_asks_for_pkce(world, browser):
    query, answer = start(browser, world.url("intranet"))
    for missing in ("code_challenge", "code_challenge_method"):
        less = {name: value for name, value in query.items() if name != missing}
        refused = browser.open(answer.headers["location"].split("?")[0] + "?" + urllib.parse.urlencode(less))
        assert not forms_of(refused.text) and not session_cookies(browser, "intranet")


# -- lock-out -------------------------------------------------------------------------------------------------------


def test_guessing_is_slowed_down(make_world):
    own = make_world(enrolled=False)
    with own.node.browser() as browser:
        form_page = browser.open(own.node.url("guarded"))
        delay, end = 0, time.monotonic() + 30
        while delay < 3 and time.monotonic() < end:
            answer = browser.pass_sign_in(form_page, "bob", "guess")
            form_page = answer if forms_of(answer.text) else form_page
            delay = int(answer.headers.get("retry-after", 0))
        assert delay >= 3
        # By now even the right password has to wait.
        answer = browser.pass_sign_in(browser.open(own.node.url("guarded")), "bob", PASSWORD)
        assert not session_cookies(browser, "guarded") and forms_of(answer.text)
