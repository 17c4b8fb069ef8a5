#include "net/http1/client_session.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <cassert>
#include <string>

namespace reveille::http1 {

namespace http = boost::beast::http;
using http2::loss;

namespace {

/// A value that could end its line would let whoever chose it write fields of its own.
void append_line_text(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c != '\r' && c != '\n' && c != '\0') out += c;
  }
}

}  // namespace

class client_session::impl {
 public:
  impl(http2::client_listener& listener, const client_config& config) : listener_(listener), config_(config) {}

  bool busy() const { return busy_; }
  bool going_away() const { return going_away_; }
  bool finished() const { return broken_ || (going_away_ && !busy_); }

  http2::stream_handle submit(const http2::request& what, std::uint64_t tag) {
    assert(!busy_ && !going_away_);
    busy_ = true;
    tag_ = tag;
    ++generation_;
    sent_ = 0;
    informational_left_ = config_.informational_limit;
    expect_answer();
    out_.clear();
    append_line_text(out_, what.method);
    out_ += ' ';
    append_line_text(out_, what.path);
    out_ += " HTTP/1.1\r\nHost: ";
    append_line_text(out_, what.authority);
    out_ += "\r\n";
    for (const http2::header& h : what.headers) {
      append_line_text(out_, h.name);
      out_ += ": ";
      append_line_text(out_, h.value);
      out_ += "\r\n";
    }
    out_ += "content-length: ";
    out_ += std::to_string(what.whole_body().size());
    out_ += "\r\n\r\n";
    out_ += what.whole_body();
    return {0, generation_};
  }

  bool withdraw(http2::stream_handle which) {
    if (!is_open(which) || sent_ > 0) return false;
    busy_ = false;
    out_.clear();
    return true;
  }

  http2::parting abandon(http2::stream_handle which) {
    if (!is_open(which)) return http2::parting::stale;
    if (parser_->is_header_done() && parser_->get().result_int() >= 200) {
      deliver(true);
      return http2::parting::answered;
    }
    busy_ = false;
    going_away_ = broken_ = true;  // its answer may still come, and would look like the next one's
    return kind_of_loss() == loss::unsent ? http2::parting::unsent : http2::parting::ambiguous;
  }

  void shut_down() { going_away_ = true; }

  bool receive(std::span<const std::uint8_t> bytes) {
    if (broken_) return false;
    if (!busy_) return break_off();  // nobody asked
    held_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    boost::beast::error_code error;
    while (!held_.empty() && !parser_->is_done()) {
      const std::size_t used = parser_->put(boost::asio::buffer(held_), error);
      held_.erase(0, used);
      if (error == http::error::need_more && held_.size() <= config_.header_limit) return true;  // a line is not whole yet
      if (error == http::error::body_limit) return deliver(true);
      if (error) return break_off();
      if (used == 0) break;
      if (parser_->is_done() && parser_->get().result_int() < 200) {
        if (parser_->get().result() == http::status::switching_protocols || --informational_left_ < 0) return break_off();
        expect_answer();
      }
    }
    return parser_->is_done() ? deliver(false) : true;
  }

  void produce(std::vector<std::uint8_t>& out, std::size_t limit) {
    if (!busy_ || broken_) return;
    const std::size_t n = std::min(limit, out_.size() - sent_);
    const char* begin = out_.data() + sent_;
    out.insert(out.end(), begin, begin + n);
    sent_ += n;
  }

  void disconnect() {
    if (busy_ && !broken_ && parser_->got_some()) {
      boost::beast::error_code error;
      parser_->put_eof(error);  // a body without length ends with the connection
      if (!error && parser_->is_done() && parser_->get().result_int() >= 200) {
        deliver(true);
        return;
      }
    }
    break_off();
  }

 private:
  bool is_open(http2::stream_handle which) const { return busy_ && which.slot == 0 && which.generation == generation_; }
  loss kind_of_loss() const { return sent_ < out_.size() ? loss::unsent : loss::ambiguous; }

  void expect_answer() {
    parser_.emplace();
    parser_->header_limit(config_.header_limit);
    parser_->body_limit(config_.body_limit);
    parser_->eager(true);
  }

  /// @param last the connection takes no more whatever the answer says. @return false when it is broken.
  bool deliver(bool last) {
    const auto& m = parser_->get();
    // An answer before the request was all out (413, say): the rest of it would be taken for the next request.
    if (last || !m.keep_alive() || sent_ < out_.size() || !held_.empty()) going_away_ = true;
    broken_ = last || !held_.empty();
    fields_.clear();
    for (const auto& field : m) {
      std::string name(field.name_string());
      std::transform(name.begin(), name.end(), name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
      const auto value = field.value();
      fields_.add(name, {value.data(), value.size()}, config_.header_limit);
    }
    busy_ = false;
    const http2::response answer{static_cast<int>(m.result_int()), fields_, m.body(), !parser_->is_done()};
    listener_.answered(tag_, answer);
    return !broken_;
  }

  bool break_off() {
    going_away_ = broken_ = true;
    if (busy_) {
      busy_ = false;
      listener_.lost(tag_, kind_of_loss(), 0);
    }
    return false;
  }

  http2::client_listener& listener_;
  const client_config config_;
  std::optional<http::response_parser<http::string_body>> parser_;
  http2::header_block fields_;
  std::string out_;
  std::string held_;
  std::size_t sent_ = 0;
  std::uint64_t tag_ = 0;
  std::uint32_t generation_ = 0;
  int informational_left_ = 0;
  bool busy_ = false;
  bool going_away_ = false;
  bool broken_ = false;
};

client_session::client_session(http2::client_listener& listener, const client_config& config)
    : impl_(std::make_unique<impl>(listener, config)) {}
client_session::~client_session() = default;
std::size_t client_session::capacity() const { return impl_->busy() || impl_->going_away() ? 0 : 1; }
std::size_t client_session::open_streams() const { return impl_->busy() ? 1 : 0; }
bool client_session::going_away() const { return impl_->going_away(); }
http2::stream_handle client_session::submit(const http2::request& what, std::uint64_t tag) { return impl_->submit(what, tag); }
bool client_session::withdraw(http2::stream_handle which) { return impl_->withdraw(which); }
http2::parting client_session::abandon(http2::stream_handle which) { return impl_->abandon(which); }
void client_session::shut_down() { impl_->shut_down(); }
bool client_session::receive(std::span<const std::uint8_t> bytes) { return impl_->receive(bytes); }
void client_session::produce(std::vector<std::uint8_t>& out, std::size_t limit) { impl_->produce(out, limit); }
bool client_session::finished() const { return impl_->finished(); }
void client_session::disconnect() { impl_->disconnect(); }

}  // namespace reveille::http1
