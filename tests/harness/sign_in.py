"""Steps of a sign-in, one by one."""
import urllib.parse

from .browser import REDIRECTS


def start(client, url):
    """Asks for a page without a session; the authorization request (its query) that this leads to, and the response."""
    answer = client.get(url)
    assert answer.status_code in REDIRECTS, answer.text
    query = urllib.parse.urlsplit(answer.headers["location"]).query
    return dict(urllib.parse.parse_qsl(query)), answer


def session_cookies(client, name):
    """The session cookies that a browser holds for an application; those of sign-ins under way are none."""
    return [one for one in client.client.cookies.jar
            if one.domain.startswith(name + ".") and "-attempt-" not in one.name]
