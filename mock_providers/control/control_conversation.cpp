#include "mock_providers/control/control_conversation.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>

#include "mock_providers/control/control_api.hpp"
#include "mock_providers/control/control_lines.hpp"

namespace reveille::mock_providers {

namespace http = boost::beast::http;

class control_conversation::impl {
 public:
  explicit impl(controlled_mock& mock) : mock_(mock) {}

  void receive(std::string_view bytes, std::string& out) {
    if (ended_) return;
    input_.append(bytes);
    if (speech_ == speech::unknown) {
      const std::size_t first = input_.find_first_not_of(" \t\r\n");
      if (first != input_.npos) speech_ = input_[first] == '{' ? speech::lines : speech::http;
      input_.erase(0, std::min(first, input_.size()));
    }
    if (speech_ == speech::lines) take_lines(out);
    if (speech_ == speech::http) take_request(out);
  }
  bool ended() const { return ended_; }
  bool subscribed() const { return subscribed_; }

 private:
  void take_lines(std::string& out) {
    std::size_t begin = 0;
    for (std::size_t end; (end = input_.find('\n', begin)) != std::string::npos; begin = end + 1) {
      std::string_view line(input_.data() + begin, end - begin);
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (!line.empty()) out += obey_line(line, mock_, subscribed_);
    }
    input_.erase(0, begin);
    ended_ = input_.size() > max_line;
  }

  void take_request(std::string& out) {
    if (!parser_) {
      parser_.emplace();
      parser_->eager(true);
      parser_->header_limit(max_head);
      parser_->body_limit(max_body);
    }
    while (!input_.empty() && !parser_->is_done()) {
      boost::beast::error_code error;
      const std::size_t taken = parser_->put(boost::asio::buffer(input_), error);
      input_.erase(0, taken);
      if (error == http::error::need_more) break;
      if (error) return refuse(error, out);
      if (taken == 0) break;
    }
    if (parser_->is_done()) return answer(out);
    // curl waits for this word before it sends a long script (RFC 9110 10.1.1).
    if (parser_->is_header_done() && !continued_ && parser_->get().count(http::field::expect) > 0) {
      out += "HTTP/1.1 100 Continue\r\n\r\n";
      continued_ = true;
    }
  }

  void refuse(const boost::beast::error_code& error, std::string& out) {
    if (error == http::error::body_limit) return write(control_refusal(413, "a body has at most 1 MB"), out);
    if (error == http::error::header_limit) return write(control_refusal(431, "a head has at most 16 KB"), out);
    write(control_refusal(400, "neither HTTP/1.1 nor a line of JSON: " + error.message()), out);
  }

  void answer(std::string& out) {
    const auto& message = parser_->get();
    const std::string_view method(message.method_string().data(), message.method_string().size());
    const std::string_view target(message.target().data(), message.target().size());
    write(answer_control({method, target, message.body(), message.count(http::field::origin) > 0}, mock_), out);
  }

  void write(const control_answer& a, std::string& out) {
    const auto reason = http::obsolete_reason(static_cast<http::status>(a.status));
    out.append("HTTP/1.1 ").append(std::to_string(a.status)).append(" ").append(reason.data(), reason.size());
    out.append("\r\nContent-Type: ").append(a.content_type).append("\r\nContent-Length: ").append(std::to_string(a.body.size()));
    if (!a.allow.empty()) out.append("\r\nAllow: ").append(a.allow);
    out.append("\r\nConnection: close\r\n\r\n").append(a.body);
    ended_ = true;
  }

  enum class speech : std::uint8_t { unknown, lines, http };

  controlled_mock& mock_;
  speech speech_ = speech::unknown;
  std::string input_;
  std::optional<http::request_parser<http::string_body>> parser_;
  bool continued_ = false;
  bool subscribed_ = false;
  bool ended_ = false;
};

control_conversation::control_conversation(controlled_mock& mock) : impl_(std::make_unique<impl>(mock)) {}
control_conversation::~control_conversation() = default;
void control_conversation::receive(std::string_view bytes, std::string& out) { impl_->receive(bytes, out); }
bool control_conversation::ended() const { return impl_->ended(); }
bool control_conversation::subscribed() const { return impl_->subscribed(); }

}  // namespace reveille::mock_providers
