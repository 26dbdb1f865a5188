"""A client that behaves like a browser without scripts: cookies, redirects one by one, forms, Fetch Metadata."""
import html.parser
import urllib.parse

import httpx

from . import network

NAVIGATION = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Site": "none",
    "User-Agent": "Mozilla/5.0 (end-to-end)",
}
SCRIPT = {"Accept": "*/*", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Sec-Fetch-Site": "same-origin",
          "User-Agent": "Mozilla/5.0 (end-to-end)"}
REDIRECTS = (301, 302, 303, 307, 308)


class form:
    """One form of a page."""

    def __init__(self, attributes):
        self.action = attributes.get("action") or ""
        self.method = (attributes.get("method") or "get").lower()
        self.fields = {}
        self.types = {}
        self.buttons = []  # (name, value) of what submits

    def field_of_type(self, *types):
        return next((name for name, kind in self.types.items() if kind in types), None)


class _form_parser(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.forms = []
        self.open = None

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "form":
            self.open = form(attributes)
            self.forms.append(self.open)
        elif self.open is not None and tag == "input":
            kind = (attributes.get("type") or "text").lower()
            if kind == "submit":
                self.open.buttons.append((attributes.get("name"), attributes.get("value") or ""))
            elif attributes.get("name") and (kind not in ("checkbox", "radio") or "checked" in attributes):
                self.open.fields[attributes["name"]] = attributes.get("value") or ""
                self.open.types[attributes["name"]] = kind
        elif self.open is not None and tag == "button" and (attributes.get("type") or "submit") == "submit":
            self.open.buttons.append((attributes.get("name"), attributes.get("value") or ""))

    def handle_endtag(self, tag):
        if tag == "form":
            self.open = None


def forms_of(text):
    parser = _form_parser()
    parser.feed(text)
    return parser.forms


class browser:
    """One browser profile. `visited` holds every response since the last request by hand, in order."""

    def __init__(self, ca_file, timeout=30.0, check_name=True, http2=False):
        network.resolve_localhost_names()
        self.client = httpx.Client(verify=network.trusting(ca_file, check_name), timeout=timeout, follow_redirects=False,
                                   trust_env=False, http2=http2)
        self.visited = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def request(self, method, url, headers=None, base=NAVIGATION, **options):
        """One request and its answer; redirects are not followed."""
        self.visited = []
        return self._send(method, url, {**base, **(headers or {})}, options)

    def get(self, url, **options):
        return self.request("GET", url, **options)

    def fetch(self, url, method="GET", **options):
        """What a script of the page would do: never a navigation."""
        return self.request(method, url, base=SCRIPT, **options)

    def open(self, url, method="GET", **options):
        """A navigation: follows redirects to the page."""
        return self.follow(self.request(method, url, **options))

    def follow(self, response, limit=20):
        while response.status_code in REDIRECTS and "location" in response.headers:
            if limit == 0:
                raise AssertionError("redirected without end, last to " + response.headers["location"])
            limit -= 1
            response = self.step(response)
        return response

    def step(self, response):
        """Follows one redirect."""
        url = urllib.parse.urljoin(str(response.url), response.headers["location"])
        again = response.status_code in (307, 308)
        return self._send(response.request.method if again else "GET", url, dict(NAVIGATION), {})

    def submit(self, response, values, button=None, which=0):
        """Fills in a form of a page and submits it; redirects are not followed."""
        filled = forms_of(response.text)[which]
        data = {**filled.fields, **values}
        chosen = button if button is not None else (filled.buttons[0] if filled.buttons else None)
        if chosen and chosen[0]:
            data[chosen[0]] = chosen[1]
        url = urllib.parse.urljoin(str(response.url), filled.action)
        origin = urllib.parse.urlsplit(str(response.url))
        headers = {**NAVIGATION, "Origin": f"{origin.scheme}://{origin.netloc}", "Sec-Fetch-Site": "same-origin"}
        if filled.method == "post":
            return self._send("POST", url, headers, {"data": data})
        return self._send("GET", url + ("&" if "?" in url else "?") + urllib.parse.urlencode(data), headers, {})

    def sign_in(self, url, user, password):
        """Opens a page, signs in where that leads to, and ends on the page that the sign-in leads to."""
        return self.pass_sign_in(self.open(url), user, password)

    def pass_sign_in(self, response, user, password):
        """On a sign-in page: signs in and follows. On any other page: nothing."""
        page_forms = forms_of(response.text) if "text/html" in response.headers.get("content-type", "") else []
        for index, one in enumerate(page_forms):
            secret = one.field_of_type("password")
            if secret:
                name = one.field_of_type("text", "email")
                return self.follow(self.submit(response, {name: user, secret: password}, which=index))
        return response

    def approve_device(self, url, code, user, password):
        """The user's part of the device authorization grant (RFC 8628, section 3.3): enters the code, signs in, allows."""
        page = self.open(url)
        for _ in range(5):
            page = self.pass_sign_in(page, user, password)
            todo = forms_of(page.text)
            if not todo:
                return page
            entry = todo[0].field_of_type("text")
            allow = next((one for one in todo[0].buttons
                          if one[1].lower() in ("approve", "allow", "yes", "continue", "confirm")), None)
            page = self.follow(self.submit(page, {entry: code} if entry else {}, button=allow))
        return page

    def cookie_headers(self):
        """All Set-Cookie fields of the last way, as (response, text)."""
        return [(one, text) for one in self.visited for text in one.headers.get_list("set-cookie")]

    def _send(self, method, url, headers, options):
        response = self.client.request(method, url, headers=headers, **options)
        self.visited.append(response)
        return response
