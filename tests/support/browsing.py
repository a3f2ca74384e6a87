"""Pages of a browser that keep what they hear."""

from types import SimpleNamespace


def new_page(context):
    """A page of a context. page.heard: errors (of the console, and uncaught) and requests (every address asked for)."""
    page = context.new_page()
    page.heard = SimpleNamespace(errors=[], requests=[])
    page.on("console", lambda message: page.heard.errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.heard.errors.append(str(error)))
    page.on("request", lambda request: page.heard.requests.append(request.url))
    return page
