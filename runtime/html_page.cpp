#include "runtime/html_page.hpp"

#include "runtime/encoding.hpp"

namespace postern::runtime {

namespace {

constexpr std::string_view style = R"css(
:root{color-scheme:light dark;--back:#eef1f4;--card:#fff;--text:#1a222b;--soft:#566472;--line:#cfd6dd;--accent:#1d5c8f;
--accent-text:#fff;--focus:#e08a00;--bad-back:#fdecea;--bad:#97231a;--good-back:#e6f4ea;--good:#14612f}
@media (prefers-color-scheme:dark){:root{--back:#12171c;--card:#1b2229;--text:#e6ebf0;--soft:#9aa8b5;--line:#3a4650;
--accent:#7ab8e8;--accent-text:#0b1824;--focus:#ffb84d;--bad-back:#3a1b19;--bad:#ffb4ab;--good-back:#14301f;--good:#8fe0ab}}
*{box-sizing:border-box}
html{font:100%/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;-webkit-text-size-adjust:100%}
body{margin:0;min-height:100vh;display:flex;flex-direction:column;align-items:center;background:var(--back);color:var(--text);
padding:max(1rem,8vh) 1rem 2rem}
header{display:flex;align-items:center;gap:.6rem;color:var(--soft);font-weight:600;letter-spacing:.02em;margin-bottom:1.1rem}
header svg{width:1.6rem;height:1.6rem;color:var(--accent)}
main{width:100%;max-width:27rem;background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1.75rem;
box-shadow:0 1px 2px rgb(0 0 0/.06),0 8px 24px rgb(0 0 0/.06);overflow-wrap:anywhere}
h1{font-size:1.35rem;line-height:1.25;margin:0 0 .5rem}
p{margin:0 0 1rem}
main>:last-child,form>:last-child{margin-bottom:0}
form{margin:0 0 1rem}
label{display:block;font-weight:600;margin:0 0 .3rem}
input{display:block;width:100%;font:inherit;color:inherit;background:var(--back);border:1px solid var(--soft);
border-radius:.45rem;padding:.6rem .75rem;margin:0 0 1rem}
button,a.button{display:inline-block;width:100%;text-align:center;text-decoration:none;font:inherit;font-weight:600;cursor:pointer;
color:var(--accent-text);background:var(--accent);border:1px solid var(--accent);border-radius:.45rem;padding:.6rem 1rem}
button:hover,a.button:hover{filter:brightness(1.08)}
button.secondary,a.secondary{color:var(--text);background:transparent;border-color:var(--soft)}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px}
a{color:var(--accent)}
.actions{display:flex;gap:.75rem}
.actions>*{flex:1;margin:0}
.notice{background:var(--bad-back);color:var(--bad);border-left:.3rem solid;border-radius:.3rem;padding:.7rem .9rem}
.notice.good{background:var(--good-back);color:var(--good)}
.quiet{color:var(--soft);font-size:.9rem}
.code{font:600 1.5rem/1.3 ui-monospace,"Cascadia Mono",Menlo,Consolas,monospace;letter-spacing:.12em;text-align:center}
.facts{display:grid;grid-template-columns:auto 1fr;gap:.25rem 1rem;margin:0 0 1rem;font-size:.9rem}
.facts dt{color:var(--soft)}
.facts dd{margin:0}
@media (forced-colors:active){main,.notice{border:1px solid}}
@media print{body{padding:0}main{box-shadow:none}}
)css";

// A gate in a wall: the mark of the product, in the colour of the accent.
constexpr std::string_view mark =
    R"(<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" )"
    R"(stroke-linejoin="round" aria-hidden="true"><path d="M3 21V5h3V3h3v2h6V3h3v2h3v16z"/>)"
    R"(<path d="M9 21v-6a3 3 0 0 1 6 0v6"/></svg>)";

// An empty icon keeps browsers from asking every application's host for /favicon.ico.
constexpr std::string_view icon = R"(<link rel="icon" href="data:,">)";

}  // namespace

std::string html_page(std::string_view title, std::string_view content_html) {
  std::string page;
  page.reserve(style.size() + content_html.size() + 1'024);
  page +=
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"robots\" content=\"noindex, nofollow\">\n<title>";
  page += html_escape(title);
  page += " \xc2\xb7 Postern</title>\n";
  page += icon;
  page += "\n<style>";
  page += style;
  page += "</style>\n</head>\n<body>\n<header>";
  page += mark;
  page += "<span>Postern</span></header>\n<main>\n";
  page += content_html;
  page += "\n</main>\n</body>\n</html>\n";
  return page;
}

std::string html_page_policy(std::string_view form_action) {
  static const std::string style_hash = to_base64(sha256(style));
  std::string policy = "default-src 'none'; style-src 'sha256-" + style_hash;
  policy += "'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action ";
  policy += form_action;
  return policy;
}

}  // namespace postern::runtime
