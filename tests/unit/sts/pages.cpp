#define CAF_SUITE pages
#include "sts/pages.hpp"

#include "sts/limits.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern::sts;
using std::chrono::seconds;

namespace {

constexpr const char* hostile = "\"><script>'&";
constexpr const char* harmless = "&quot;&gt;&lt;script&gt;&#39;&amp;";

bool has(const std::string& html, std::string_view piece) {
  return html.find(piece) != std::string::npos;
}

size_t count(const std::string& html, std::string_view piece) {
  size_t seen = 0;
  for (auto at = html.find(piece); at != std::string::npos; at = html.find(piece, at + 1))
    ++seen;
  return seen;
}

/// Whether that many hostile texts are shown, and none of them as markup.
bool escapes(const std::string& html, size_t texts) {
  return !has(html, "<script") && count(html, harmless) == texts;
}

/// The tag of the input with that id.
std::string input(const std::string& html, const std::string& id) {
  auto begin = html.find("<input id=\"" + id + "\"");
  return begin == std::string::npos ? "" : html.substr(begin, html.find(">\n", begin) - begin);
}

}  // namespace

CAF_TEST(no text can leave its place on any page) {
  CAF_CHECK(escapes(to_html(sign_in_page{hostile, hostile, hostile, hostile}), 4));
  CAF_CHECK(escapes(to_html(device_code_page{hostile, hostile}), 2));
  // The name of the client stands in the headline and among the facts.
  CAF_CHECK(
      escapes(to_html(device_confirmation_page{hostile, hostile, hostile, hostile, hostile}), 6));
  CAF_CHECK(escapes(to_html(sign_out_page{hostile, hostile}), 2));
  CAF_CHECK(escapes(message_html(hostile, hostile, true), 2));
  CAF_CHECK(escapes(message_html(hostile, hostile, false), 2));
}

CAF_TEST(the sign in page leaves out what is empty) {
  const auto bare = to_html(sign_in_page{"f", "", "", ""});
  CAF_CHECK(!has(bare, "to go on to"));
  CAF_CHECK(!has(bare, "role=\"alert\""));
  CAF_CHECK(!has(bare, "aria-describedby"));
  const auto full = to_html(sign_in_page{"f", "the wiki", "wrong", "ada"});
  CAF_CHECK(has(full, "<strong>the wiki</strong>"));
  CAF_CHECK(has(full, "role=\"alert\" id=\"notice\">wrong<"));
  CAF_CHECK_EQUAL(count(full, "aria-describedby=\"notice\""), 2u);
}

CAF_TEST(the caret stands where typing goes on) {
  const auto first = to_html(sign_in_page{"f", "", "", ""});
  CAF_CHECK(has(input(first, "name"), "autofocus"));
  CAF_CHECK(!has(input(first, "password"), "autofocus"));
  const auto again = to_html(sign_in_page{"f", "", "wrong", "ada"});
  CAF_CHECK(has(input(again, "name"), "value=\"ada\""));
  CAF_CHECK(!has(input(again, "name"), "autofocus"));
  CAF_CHECK(has(input(again, "password"), "autofocus"));
}

CAF_TEST(the page takes no more than the service reads) {
  const auto html = to_html(sign_in_page{"f", "", "", ""});
  auto most = [](size_t bytes) { return "maxlength=\"" + std::to_string(bytes) + "\""; };
  CAF_CHECK(has(input(html, "name"), most(limits::name)));
  CAF_CHECK(has(input(html, "password"), most(limits::password)));
}

CAF_TEST(waiting times are rounded up and read well) {
  CAF_CHECK_EQUAL(waiting_time(seconds{1}), "1 second");
  CAF_CHECK_EQUAL(waiting_time(seconds{2}), "2 seconds");
  CAF_CHECK_EQUAL(waiting_time(seconds{89}), "89 seconds");
  CAF_CHECK_EQUAL(waiting_time(seconds{90}), "2 minutes");
  CAF_CHECK_EQUAL(waiting_time(seconds{120}), "2 minutes");
  CAF_CHECK_EQUAL(waiting_time(seconds{121}), "3 minutes");
  CAF_CHECK_EQUAL(waiting_time(limits::longest_delay), "15 minutes");
}

CAF_TEST(a typed code is shown again next to what was wrong with it) {
  const auto html = to_html(device_code_page{"unknown", "BBBB-BBBB"});
  CAF_CHECK(has(html, "id=\"notice\">unknown<"));
  CAF_CHECK(has(html, "value=\"BBBB-BBBB\""));
  CAF_CHECK(has(html, "aria-describedby=\"notice\""));
  CAF_CHECK(!has(to_html(device_code_page{}), "notice"));
}

CAF_TEST(a device is allowed knowing who it is and for whom it acts) {
  device_confirmation_page page{"sealed", "Command line", "BCDF-GHJK", "192.0.2.7", "ada"};
  const auto html = to_html(page);
  for (auto piece : {"<em>Command line</em>", "<strong>ada</strong>", ">BCDF-GHJK<",
                     "<dd>192.0.2.7</dd>", "value=\"sealed\"", "value=\"allow\"", "value=\"deny\""})
    CAF_CHECK(has(html, piece));
  page.address.clear();
  CAF_CHECK(!has(to_html(page), "Asked from"));
}

CAF_TEST(signing out names the user if there is one) {
  CAF_CHECK(has(to_html(sign_out_page{"sealed", "ada"}), "<strong>ada</strong>"));
  const auto unknown = to_html(sign_out_page{"sealed", ""});
  CAF_CHECK(!has(unknown, "signed in as"));
  CAF_CHECK(has(unknown, "value=\"sealed\""));
}

CAF_TEST(good news is announced and other news is plain text) {
  CAF_CHECK(has(message_html("Done", "All is well.", true), "role=\"status\">All is well.<"));
  const auto plain = message_html("Done", "All is well.", false);
  CAF_CHECK(has(plain, "<p>All is well.</p>"));
  CAF_CHECK(!has(plain, "role="));
}
