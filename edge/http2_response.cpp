// What goes to the user over HTTP/2: heads, content, trailers, and the opening of WebSockets.

#include "edge/http2_request.hpp"
#include "edge/websocket_key.hpp"

#include <array>
#include <charconv>

namespace postern::edge {

using runtime::field_list;

void http2_request::submit_head(unsigned status, const field_list& fields, bool ended) {
  response_status_ = status;
  std::array<char, 4> digits{};
  std::to_chars(digits.data(), digits.data() + digits.size(), status);
  out_.clear();
  out_.push_back({":status", {digits.data(), 3}});
  out_.insert(out_.end(), fields.begin(), fields.end());
  session().submit_response(*this, out_, ended);
}

void http2_request::send_response(const runtime::http_response& response) {
  const auto status = response.result_int();
  const bool bodiless = head_request_ || status == 204 || status == 304;
  const auto length = std::to_string(response.body().size());
  std::string names;  // HTTP/2 has names in lower case only
  for (const auto& field : response)
    names.append(field.name_string().data(), field.name_string().size());
  std::transform(names.begin(), names.end(), names.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  });
  field_list fields;
  size_t at = 0;
  for (const auto& field : response) {
    const std::string_view name{names.data() + at, field.name_string().size()};
    at += name.size();
    if (name == "content-length" || name == "connection" || name == "transfer-encoding") continue;
    fields.push_back({name, {field.value().data(), field.value().size()}});
  }
  if (status != 204 && status != 304) fields.push_back({"content-length", length});
  mute_ = bodiless || response.body().empty();
  submit_head(status, fields, mute_);
  if (mute_) return;
  session().write(*this, response.body());
  session().finish(*this);
}

void http2_request::send_interim(unsigned status, const field_list& fields) {
  if (status == 100) owes_continue_ = false;
  if (status == 101) return;  // RFC 9113, section 8.6
  std::array<char, 4> digits{};
  std::to_chars(digits.data(), digits.data() + digits.size(), status);
  out_.clear();
  out_.push_back({":status", {digits.data(), 3}});
  out_.insert(out_.end(), fields.begin(), fields.end());
  session().submit_interim(*this, out_);
}

void http2_request::send_head(unsigned status, const field_list& fields, bool ended) {
  mute_ = ended || head_request_ || status == 204 || status == 304;
  submit_head(status, fields, mute_);
}

void http2_request::make_websocket_key() {
  // The origin is asked over HTTP/1.1, where each side proves that it means WebSocket; over HTTP/2
  // that is not the user's business (RFC 8441, section 5).
  websocket_key_ = new_websocket_key(context_.random);
  std::erase_if(fields_, [](const auto& f) { return f.name == "sec-websocket-key"; });
  fields_.push_back({"sec-websocket-key", websocket_key_});
}

void http2_request::send_upgrade(const field_list& fields) {
  if (runtime::field_value(fields, "sec-websocket-accept") != accept_of(websocket_key_)) {
    refuse({runtime::error_category::bad_gateway, "origin_malformed", "origin",
            "Sec-WebSocket-Accept does not fit the key"});
    exchange_.user_gone();
    return;
  }
  field_list passed;
  for (const auto& f : fields)
    if (f.name != "sec-websocket-accept" && f.name != "content-length") passed.push_back(f);
  has_content_ = true;
  submit_head(200, passed, false);
  point_.wake();
}

void http2_request::send_content(std::string_view piece) {
  if (mute_ || is_gone()) return exchange_.on_sent(piece.size());
  session().write(*this, piece);
}

void http2_request::send_end(const field_list& trailers) {
  if (mute_) return;
  std::vector<std::pair<std::string, std::string>> kept;
  for (const auto& f : trailers)
    kept.emplace_back(f.name, f.value);
  session().finish(*this, std::move(kept));
}

void http2_request::send_abort() {
  cut();
}

}  // namespace postern::edge
