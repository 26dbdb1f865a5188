#include "edge/refusal.hpp"

#include "edge/problem.hpp"
#include "edge/refusal_text.hpp"
#include "runtime/encoding.hpp"
#include "runtime/html_page.hpp"
#include "runtime/http_fields.hpp"

#include <algorithm>

namespace postern::edge {

using runtime::http_field;

namespace {

/// Whether a media range names HTML itself. "*/*" does not: every script and tool sends that.
bool names_html(std::string_view range) {
  const auto kind = runtime::trim(range.substr(0, range.find(';')));
  if (!runtime::iequals(kind, "text/html") && !runtime::iequals(kind, "application/xhtml+xml"))
    return false;
  // "q=0" and "q=0.000" mean "anything but" (RFC 9110, section 12.4.2).
  for (auto at = range.find(';'); at != range.npos; at = range.find(';', at + 1)) {
    const auto parameter = runtime::trim(range.substr(at + 1, range.find(';', at + 1) - at - 1));
    if (parameter.size() < 2 || (parameter[0] | 0x20) != 'q' || parameter[1] != '=') continue;
    return parameter.find_first_of("123456789") != parameter.npos;
  }
  return true;
}

bool accepts_html(std::string_view accept) {
  while (!accept.empty()) {
    const auto comma = std::min(accept.find(','), accept.size());
    if (names_html(accept.substr(0, comma))) return true;
    accept.remove_prefix(std::min(comma + 1, accept.size()));
  }
  return false;
}

bool is_frame(std::string_view destination) {
  return destination == "document" || destination == "iframe" || destination == "frame";
}

/// group_queue puts the group's name, and nothing else, into the detail: which group it was is the
/// first thing that an administrator asks.
std::string_view group_of(const runtime::error& why) noexcept {
  return why.source == "connector_group" ? std::string_view{why.detail} : std::string_view{};
}

void append_fact(std::string& html, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  html.append("<dt>").append(name).append("</dt><dd>");
  html.append(runtime::html_escape(value)).append("</dd>");
}

std::string page_content(const runtime::error& why, std::string_view request_id,
                         std::span<const refusal_link> links) {
  const auto& words = find_refusal_text(why);
  std::string html = "<h1>" + runtime::html_escape(words.title) + "</h1>\n<p>";
  html += runtime::html_escape(explain(why)) + "</p>\n<p>" + runtime::html_escape(words.next);
  html += "</p>\n";
  if (!links.empty()) {
    html += "<p class=\"actions\">";
    for (const auto& link : links) {
      html += &link == links.data() ? "<a class=\"button\" href=\""
                                    : "<a class=\"button secondary\" href=\"";
      html += runtime::html_escape(link.url) + "\">" + runtime::html_escape(link.text) + "</a>";
    }
    html += "</p>\n";
  }
  html += "<dl class=\"facts\">";
  append_fact(html, "Refused by", source_name(why.source));
  append_fact(html, "Cause", why.cause);
  append_fact(html, "Request", request_id);
  return html + "</dl>";
}

}  // namespace

refusal_form choose_form(std::string_view sec_fetch_mode, std::string_view sec_fetch_dest,
                         std::string_view requested_with, std::string_view accept) {
  bool page = false;
  if (!sec_fetch_mode.empty())
    page = sec_fetch_mode == "navigate" && (sec_fetch_dest.empty() || is_frame(sec_fetch_dest));
  else if (!sec_fetch_dest.empty())
    page = is_frame(sec_fetch_dest);
  else
    page = requested_with.empty() && accepts_html(accept);
  return page ? refusal_form::page : refusal_form::problem;
}

std::string explain(const runtime::error& why) {
  std::string text{find_refusal_text(why).text};
  if (const auto group = group_of(why); !group.empty())
    text.append(" The group is \"").append(group).append("\".");
  return text;
}

runtime::http_response make_refusal(const runtime::error& why, std::string_view request_id,
                                    refusal_form form) {
  return make_refusal(why, request_id, form, {});
}

runtime::http_response make_refusal(const runtime::error& why, std::string_view request_id,
                                    refusal_form form, std::span<const refusal_link> links) {
  if (form == refusal_form::problem) return make_problem(why, request_id, explain(why));
  auto response = bare_refusal(why, request_id);
  response.set(http_field::content_type, "text/html; charset=utf-8");
  response.set("Content-Security-Policy", runtime::html_page_policy());
  response.set("X-Frame-Options", "DENY");
  response.body() =
      runtime::html_page(find_refusal_text(why).title, page_content(why, request_id, links));
  return response;
}

}  // namespace postern::edge
