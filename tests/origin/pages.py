"""The pages of the intranet site as text."""
import html

STYLE = """
:root { --ink: #1d2733; --soft: #5d6b7a; --line: #d9e0e7; --accent: #14606b; --paper: #fbfcfd }
* { box-sizing: border-box }
body { margin: 0; font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper) }
header { background: var(--accent); color: #fff; padding: 1rem 2rem }
header b { font-size: 1.15rem } header span { opacity: .8; margin-left: .6rem }
nav { background: #fff; border-bottom: 1px solid var(--line); padding: .5rem 2rem; display: flex; flex-wrap: wrap; gap: 1.2rem }
a { color: var(--accent) } nav a { text-decoration: none; font-weight: 600 }
main { max-width: 52rem; margin: 0 auto; padding: 1.5rem 2rem 4rem }
section { background: #fff; border: 1px solid var(--line); border-radius: 10px; padding: 1.1rem 1.4rem; margin: 0 0 1.2rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.05rem; margin-top: 0 }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line) }
th { width: 30%; color: var(--soft); font-weight: 600 } td { word-break: break-word }
input, button { font: inherit; padding: .4rem .7rem; border: 1px solid var(--line); border-radius: 6px }
button { background: var(--accent); color: #fff; border: 0; cursor: pointer }
pre { background: #f2f5f8; border-radius: 6px; padding: .8rem; min-height: 4rem; white-space: pre-wrap; overflow-wrap: anywhere }
footer { color: var(--soft); font-size: .85rem }
"""

LINKS = [("./", "Home"), ("directory", "Directory"), ("form", "Form"), ("files", "Files"), ("events", "Events"),
         ("chat", "Echo"), ("whoami", "Who am I")]


def page(title, body):
    """A whole page; `body` is HTML."""
    links = "".join(f'<a href="{target}">{name}</a>' for target, name in LINKS)
    return (f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)} - Intranet</title>'
            f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>'
            f'<body><header><b>Intranet</b><span>of a small company</span></header><nav>{links}</nav>'
            f'<main><h1>{html.escape(title)}</h1>{body}<footer>This server listens on loopback only. '
            f'If you read this, somebody let you in.</footer></main></body></html>')


def table(rows):
    cells = "".join(f"<tr><th>{html.escape(str(a))}</th><td>{html.escape(str(b))}</td></tr>" for a, b in rows)
    return f"<table>{cells}</table>"


def home(user):
    return page("Home", f"""
<section id="welcome"><h2>Welcome{', ' + html.escape(user) if user else ''}</h2>
<p>News: the canteen opens at noon. The <a href="/directory">directory</a> (an absolute path), the
<a href="files">files</a> (a relative one) and an <a href="old">old address</a> that redirects.</p></section>
<section><h2>Try</h2><ul>
<li><a href="form">a form</a> that posts back</li>
<li><a href="files">an upload and a download</a> of any size</li>
<li><a href="events">server-sent events</a>, one a second</li>
<li><a href="chat">a WebSocket</a> that echoes</li>
<li><a href="whoami">what this server knows</a> of who asks</li></ul></section>""")


def directory():
    people = [("Alice Adams", "Administration, room 1.01"), ("Bob Brown", "Engineering, room 2.14"),
              ("Carol Clark", "Guest")]
    return page("Directory", f"<section>{table(people)}</section>")


FORM = page("Form", """
<section><form method="post" action="form"><p><label>What shall we order? <input name="order" value="coffee"></label>
<label>How many? <input name="amount" type="number" value="2" style="width:6rem"></label> <button>Send</button></p></form></section>""")

FILES = page("Files", """
<section><h2>Upload</h2><form method="post" action="upload" enctype="multipart/form-data">
<p><input type="file" name="file"> <button>Upload</button></p></form></section>
<section><h2>Download</h2><p>Generated, of any size, the same bytes each time:
<a href="download/1048576">1 MiB</a>, <a href="download/104857600">100 MiB</a>,
<a href="download/1073741824">1 GiB</a></p></section>""")

EVENTS = page("Events", """
<section><p>One a second, as it happens:</p><pre id="log"></pre></section>
<script>
const log = document.getElementById('log')
new EventSource('events/stream').onmessage = e => { log.textContent = e.data + '\\n' + log.textContent }
</script>""")

CHAT = page("Echo", """
<section><form id="say"><input id="text" value="hello"> <button>Send</button> <span id="state">connecting</span></form>
<pre id="log"></pre></section>
<script>
const log = document.getElementById('log'), state = document.getElementById('state')
const socket = new WebSocket(new URL('chat/socket', location.href.replace(/^http/, 'ws')))
socket.onopen = () => { state.textContent = 'open' }
socket.onclose = () => { state.textContent = 'closed' }
socket.onmessage = e => { log.textContent += e.data + '\\n' }
document.getElementById('say').onsubmit = e => { e.preventDefault(); socket.send(document.getElementById('text').value) }
</script>""")
