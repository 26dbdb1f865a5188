"""Reading of what Postern itself answers when it refuses."""


def problem(response, status=None):
    """The problem+json (RFC 9457) of a refusal, checked for what every refusal has."""
    if status is not None:
        allowed = (status,) if isinstance(status, int) else status
        assert response.status_code in allowed, f"{response.status_code}: {response.text[:500]}"
    assert response.headers["content-type"].split(";")[0] == "application/problem+json", response.headers
    value = response.json()
    assert value["status"] == response.status_code
    for name in ("title", "cause", "source", "request_id"):
        assert value.get(name), f"no {name} in {value}"
    return value


def page(response, status=None):
    """The text of a refusal page, checked for what every one has."""
    if status is not None:
        allowed = (status,) if isinstance(status, int) else status
        assert response.status_code in allowed, f"{response.status_code}: {response.text[:500]}"
    assert response.headers["content-type"].startswith("text/html"), response.headers
    for leak in ("127.0.0.1", "Traceback", ".cpp", "0x"):
        assert leak not in response.text, f"{leak} is shown: {response.text[:2000]}"
    return response.text
