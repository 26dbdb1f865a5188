"""Step 1 to 5 of an access: what reaches the origin, what comes back, and what never does."""
import http.client
import json
import posixpath
import re
import threading
import urllib.parse

import pytest

from harness.refusal import page, problem
from harness.wire import raw_client

FORGED = [("X-Postern-User", "mallory"), ("x-postern-email", "mallory@example.com"), ("X_Postern_Groups", "administrators"),
          ("x-Postern_Name", "Mallory"), ("X_POSTERN-USER", "mallory"), ("X-POSTERN-ANYTHING", "mallory"),
          ("X.Postern.User", "mallory"), ("x~postern~groups", "administrators"), ("X-Forwarded-User", "mallory")]


def echoed(response):
    assert response.status_code == 200, response.text
    return response.json()


def fields_of(echo, name):
    return [value for one, value in echo["headers"] if one.lower() == name.lower()]


def raw_get(world, name, target="/", headers=(), method="GET"):
    lines = [f"{method} {target} HTTP/1.1", f"Host: {name}.localhost:{world.node.port}", "Connection: close",
             *(f"{a}: {b}" for a, b in headers)]
    with raw_client(world.node.port, f"{name}.localhost", world.node.ca) as client:
        return client.send("\r\n".join(lines) + "\r\n\r\n").answer()


# -- what reaches the origin ----------------------------------------------------------------------------------------


def test_the_origin_learns_who_asks(world):
    with world.signed_in("intranet", "bob") as client:
        echo = echoed(client.get(world.url("intranet", "echo")))
    assert fields_of(echo, "X-Postern-User") == ["bob"]
    assert fields_of(echo, "X-Postern-Email") == ["bob@example.com"]
    assert fields_of(echo, "X-Postern-Name") == ["Bob Brown"]
    assert "staff" in fields_of(echo, "X-Postern-Groups")[0]
    assert len(fields_of(echo, "X-Request-Id")) == 1


def test_forged_identity_headers_are_removed_with_preauthentication(world):
    with world.signed_in("intranet", "bob") as client:
        echo = echoed(client.get(world.url("intranet", "echo"), headers=dict(FORGED)))
    assert "allory" not in json.dumps(echo) and "administrators" not in json.dumps(echo)
    assert fields_of(echo, "X-Postern-User") == ["bob"]
    assert not [one for one, _ in echo["headers"] if "_" in one and "postern" in one.lower()]


@pytest.mark.parametrize("name,value", FORGED)
def test_forged_identity_headers_are_removed_from_passthrough(world, name, value):
    head, body = raw_get(world, "public", "/echo", [(name, value)])
    assert head.status == 200
    assert value not in body.decode()


def test_the_request_id_is_the_nodes_own(world):
    seen = set()
    for _ in range(3):
        head, body = raw_get(world, "public", "/echo", [("X-Request-Id", "chosen-by-the-client"), ("X_Request_Id", "also")])
        assert head.status == 200 and b"chosen-by-the-client" not in body and b"also" not in body
        seen.add(fields_of(json.loads(body), "X-Request-Id")[0])
    assert len(seen) == 3


def test_the_authentication_cookie_never_reaches_the_origin(world):
    with world.signed_in("intranet", "bob") as client:
        sealed = {cookie.name: cookie.value for cookie in client.client.cookies.jar if cookie.domain.startswith("intranet")}
        assert sealed
        client.client.cookies.set("own", "kept", domain="intranet.localhost")
        echo = echoed(client.get(world.url("intranet", "echo")))
    text = json.dumps(echo)
    assert fields_of(echo, "Cookie") == ["own=kept"]
    for name, value in sealed.items():
        assert name not in text and value not in text


def test_the_authentication_cookie_is_removed_however_it_is_written(world):
    with world.signed_in("intranet", "bob") as client:
        pairs = [f"{one.name}={one.value}" for one in client.client.cookies.jar if one.domain.startswith("intranet")]
    for text in ("; ".join(["a=1", *pairs, "b=2"]), ";".join(["a=1", *pairs, "b=2"]), ";  ".join([*pairs, "a=1", "b=2"])):
        head, body = raw_get(world, "intranet", "/echo", [("Cookie", text)])
        assert head.status == 200
        assert [one.strip() for one in fields_of(json.loads(body), "Cookie")[0].split(";")] == ["a=1", "b=2"]


def test_hop_by_hop_fields_stay_on_their_hop(world):
    head, body = raw_get(world, "public", "/echo", [
        ("Keep-Alive", "timeout=5"), ("TE", "trailers"), ("Proxy-Connection", "keep-alive"), ("X-Mine", "yes")])
    echo = json.loads(body)
    assert head.status == 200
    for name in ("Keep-Alive", "Proxy-Connection"):
        assert fields_of(echo, name) == []
    # What the connector says by itself: trailers pass (RFC 9110, section 10.1.4).
    assert fields_of(echo, "TE") == ["trailers"]
    assert fields_of(echo, "X-Mine") == ["yes"]


def test_fields_named_by_connection_stay_on_their_hop(world):
    lines = (f"GET /echo HTTP/1.1\r\nHost: public.localhost:{world.node.port}\r\nConnection: close, X-Secret-Hop\r\n"
             "X-Secret-Hop: 1\r\n\r\n")
    with raw_client(world.node.port, "public.localhost", world.node.ca) as client:
        head, body = client.send(lines).answer()
    assert head.status == 200 and fields_of(json.loads(body), "X-Secret-Hop") == []


def test_target_and_query_arrive_unchanged(world):
    target = "/echo/a%2Fb/%C3%BC?x=1&y=%20&x=2&z"
    _, body = raw_get(world, "public", target)
    assert json.loads(body)["target"] == target


@pytest.mark.parametrize("method", ["GET", "DELETE", "OPTIONS", "PATCH", "PROPFIND"])
def test_methods_arrive_unchanged(world, method):
    head, body = raw_get(world, "public", "/echo", method=method)
    assert head.status == 200 and json.loads(body)["method"] == method


def test_head_has_no_content(world):
    with raw_client(world.node.port, "public.localhost", world.node.ca) as client:
        for _ in range(2):
            client.send(f"HEAD /download/1000 HTTP/1.1\r\nHost: public.localhost:{world.node.port}\r\n\r\n")
            head = client.head()
            assert head.status == 200 and head.get("Content-Length") == "1000"


@pytest.mark.parametrize("code", [200, 201, 204, 304, 400, 404, 418, 500, 503])
def test_the_origins_answers_come_as_they_are(world, code):
    head, _ = raw_get(world, "public", f"/status/{code}")
    assert head.status == code and head.get("X-Answered-By") == "origin"


def test_early_hints_come_before_the_answer(world):
    door = threading.Event()

    def answer(one):
        one.send(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
        door.wait(30)
        one.answer(200, b"page")
    world.raw.on("/early-hints", answer)
    with raw_client(world.node.port, "raw.localhost", world.node.ca) as client:
        hints = client.send(f"GET /early-hints HTTP/1.1\r\nHost: raw.localhost:{world.node.port}\r\n\r\n").head()
        assert hints.status == 103 and hints.all("Link") == ["</style.css>; rel=preload"]
        assert hints.get("Content-Length") is None and hints.get("Transfer-Encoding") is None
        door.set()
        head, body = client.answer()
    assert head.status == 200 and body == b"page"


def test_a_client_of_http_1_0_gets_no_early_hints(world):
    with raw_client(world.node.port, "public.localhost", world.node.ca) as client:
        head = client.send(f"GET /hints HTTP/1.0\r\nHost: public.localhost:{world.node.port}\r\n\r\n").head()
        assert head.status == 200 and client.stream.rest() == b"after the hints\n"


def test_trace_is_not_for_applications(world):
    head, body = raw_get(world, "public", "/echo", [("X-Mine", "secret-of-mine")], method="TRACE")
    assert head.status in (405, 501) and b"secret-of-mine" not in body


# -- translation ----------------------------------------------------------------------------------------------------


def test_the_origin_sees_its_internal_host(world):
    _, body = raw_get(world, "public", "/echo")
    assert fields_of(json.loads(body), "Host") == [f"127.0.0.1:{world.site.port}"]


def test_the_origin_sees_the_external_host_when_translation_is_off(world):
    world.raw.on("/host", lambda e: e.answer(200, e.head.get("Host").encode()))
    head, body = raw_get(world, "verbatim", "/host")
    assert head.status == 200 and body.decode() == f"verbatim.localhost:{world.node.port}"


def test_redirects_to_the_internal_url_lead_to_the_external_one(world, browser):
    answer = browser.get(world.url("public", "redirect?to=directory%3Fpage=2"))
    assert answer.status_code == 302
    assert answer.headers["location"] == world.url("public", "directory?page=2")
    assert "Directory" in browser.follow(answer).text


@pytest.mark.parametrize("elsewhere", ["https://www.example.org/x", "http://127.0.0.1:1/other-port", "directory", "/files"])
def test_other_redirects_come_as_they_are(world, browser, elsewhere):
    answer = browser.get(world.url("public", "redirect?elsewhere=" + urllib.parse.quote(elsewhere, safe="")))
    assert answer.headers["location"] == elsewhere


def test_redirects_come_as_they_are_when_translation_is_off(world):
    world.raw.on("/go", lambda e: e.answer(302, b"", [("Location", world.raw.url + "there")]))
    head, _ = raw_get(world, "verbatim", "/go")
    assert head.get("Location") == world.raw.url + "there"


def test_cookies_for_the_internal_host_become_the_browsers(world, browser):
    set_by_origin = browser.get(world.url("public", "cookies")).headers.get_list("set-cookie")
    assert not [one for one in set_by_origin if "127.0.0.1" in one]
    assert [one for one in set_by_origin if one.startswith("plain=1")]
    again = browser.get(world.url("public", "cookies")).json()["cookie"]
    assert "plain=1" in again and "internal=2" in again


def test_paths_of_cookies_and_redirects_are_translated(world):
    world.raw.on("/inner/sign-on", lambda e: e.answer(302, b"", [
        ("Location", "/inner/home"), ("Set-Cookie", "a=1; Path=/inner/")]))
    head, _ = raw_get(world, "paths", "/deep/sign-on")
    assert urllib.parse.urlsplit(head.get("Location")).path == "/deep/home"
    assert re.search(r"path=/deep/", head.get("Set-Cookie"), re.IGNORECASE)


# -- several applications on one host -------------------------------------------------------------------------------


@pytest.mark.parametrize("asked,arrives", [
    ("/", "/root/"), ("/x", "/root/x"), ("/deep/x", "/inner/x"), ("/deep/", "/inner/"), ("/deeper", "/root/deeper"),
    ("/deep/estuary", "/inner/estuary")])
def test_the_longest_path_wins(world, asked, arrives):
    for prefix in ("/root/", "/inner/"):
        world.raw.on(prefix, lambda e: e.answer(200, e.head.target.encode()))
    head, body = raw_get(world, "paths", asked)
    assert head.status == 200 and body.decode() == arrives


@pytest.mark.parametrize("target", ["/deep/est/secret", "/deep/x/../est/secret", "/deep/%65st/secret", "/deep/./est/secret",
                                    "/deep//est/secret", "/deep/est%2fsecret", "/DEEP/../deep/est/secret"])
def test_no_spelling_of_a_path_gets_around_preauthentication(world, target):
    reached = world.raw.count("/innermost/")
    for prefix in ("/root/", "/inner/", "/innermost/"):
        world.raw.on(prefix, lambda e: e.answer(200, e.head.target.encode()))
    head, body = raw_get(world, "paths", target)
    assert world.raw.count("/innermost/") == reached
    if head.status == 200:
        # However an origin reads what it got, it is not what the guarded application would have been asked for.
        read = posixpath.normpath(urllib.parse.unquote(body.decode())).lower()
        assert read != "/inner/est/secret"


def test_each_path_has_its_own_sign_in(world):
    for prefix in ("/innermost/", "/other/"):
        world.raw.on(prefix, lambda e: e.answer(200, b"in"))
    with world.browser() as client:
        password = world.node.users["bob"]["password"]
        assert client.sign_in(world.url("paths", "deep/est/a"), "bob", password).text == "in"
        # The session at the STS is there; that of the other application is not.
        asked = client.get(world.url("paths", "other/b"))
        assert asked.status_code in (302, 303)
        assert client.follow(asked).text == "in"
        assert client.get(world.url("paths", "deep/est/c")).text == "in"


# -- answers of the node itself -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["public", "intranet", "closed", "refused"])
def test_robots_are_answered_by_the_node(world, name):
    arrived = len(world.raw.seen)
    head, body = raw_get(world, name, "/robots.txt")
    lines = [line.strip() for line in body.decode().splitlines() if line.strip()]
    assert head.status == 200 and head.get("Content-Type").startswith("text/plain")
    assert lines == ["User-agent: *", "Disallow: /"]
    assert len(world.raw.seen) == arrived


def test_http_leads_to_https(world):
    plain = http.client.HTTPConnection("127.0.0.1", world.node.http_port, timeout=20)
    plain.request("GET", "/form?x=1", headers={"Host": f"intranet.localhost:{world.node.http_port}"})
    answer = plain.getresponse()
    assert answer.status in (301, 308)
    assert answer.getheader("Location") == world.url("intranet", "form?x=1")
    plain.close()


@pytest.mark.parametrize("headers", [
    {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Accept": "*/*"},
    {"Sec-Fetch-Mode": "same-origin", "Sec-Fetch-Dest": "empty", "Accept": "text/html"},
    {"X-Requested-With": "XMLHttpRequest", "Accept": "text/html, */*"},
    {"Accept": "application/json"},
    {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image", "Accept": "image/*"},
])
def test_scripts_are_told_to_sign_in_rather_than_redirected(world, browser, headers):
    answer = browser.request("GET", world.url("intranet", "echo"), base={}, headers=headers)
    assert problem(answer, 401)["cause"]
    assert "location" not in answer.headers


def test_a_post_without_a_session_is_not_lost_in_a_redirect(world, browser):
    answer = browser.fetch(world.url("intranet", "form"), "POST", data={"order": "tea"})
    problem(answer, 401)


def test_a_form_sent_without_a_session_gets_a_page_with_the_way_back(world, browser):
    answer = browser.request("POST", world.url("intranet", "form"), base={}, data={"order": "tea"}, headers={
        "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Accept": "text/html"})
    text = page(answer, 401)
    assert "not_signed_in" in text and f'href="{world.url("intranet")}"' in text


def test_scripts_are_told_what_is_wrong_with_their_session(world):
    with world.signed_in("intranet", "bob") as client:
        sealed = next(one.value for one in client.client.cookies.jar
                      if one.domain.startswith("intranet") and one.name == "__Host-postern")
        client.get(world.url("intranet", ".postern/logout"))
    for value, cause in ((sealed, "session_revoked"), (sealed[:-8], "seal_forged"), ("A" * 40, "seal_malformed"),
                         ("0123456789abcdef" + sealed[16:], "seal_unknown_key")):
        head, body = raw_get(world, "intranet", "/echo", [("Cookie", f"__Host-postern={value}")])
        assert head.status == 401 and json.loads(body)["cause"] == cause


def test_maintenance_closes_an_application_for_everybody(world, browser):
    value = problem(browser.fetch(world.url("closedpublic")), 503)
    assert "maintenance" in value["cause"]
    page = browser.sign_in(world.url("closed"), "bob", world.node.users["bob"]["password"])
    assert page.status_code == 503


def test_answers_of_signed_in_users_are_not_the_nodes_to_cache(world):
    with world.browser() as client:
        assert "no-store" in client.get(world.url("intranet")).headers.get("cache-control", "")


def test_many_requests_on_one_connection_keep_their_order(world):
    count = 50
    requests = "".join(f"GET /echo/{number} HTTP/1.1\r\nHost: public.localhost:{world.node.port}\r\n\r\n"
                       for number in range(count))
    with raw_client(world.node.port, "public.localhost", world.node.ca) as client:
        client.send(requests)
        for number in range(count):
            head, body = client.answer()
            assert head.status == 200 and json.loads(body)["target"] == f"/echo/{number}"
