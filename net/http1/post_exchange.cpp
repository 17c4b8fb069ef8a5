#include "net/http1/post_exchange.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <optional>

namespace reveille::http1 {

namespace http = boost::beast::http;

namespace {

constexpr std::uint32_t header_limit = 8 * 1024;
constexpr int informational_limit = 8;   ///< 1xx answers that are passed over (RFC 9110 15.2)

/// A value that could end its line would let a caller write headers of its own.
std::string one_line(std::string_view text) {
  std::string out(text);
  std::erase_if(out, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
  return out;
}

class exchange final : public byte_session {
 public:
  exchange(const post_request& r, std::size_t body_limit, std::function<void(post_answer, const instant&)> done)
      : body_limit_(body_limit), done_(std::move(done)) {
    expect_answer();
    out_ = "POST " + one_line(r.target) + " HTTP/1.1\r\nHost: " + one_line(r.host) + "\r\n";
    if (!r.content_type.empty()) out_ += "Content-Type: " + one_line(r.content_type) + "\r\n";
    for (const auto& [name, value] : r.headers) out_ += one_line(name) + ": " + one_line(value) + "\r\n";
    out_ += "Content-Length: " + std::to_string(r.body.size()) + "\r\nConnection: close\r\n\r\n" + r.body;
  }

  void receive(std::span<const std::uint8_t> bytes, const instant& now) override {
    if (!done_) return;
    held_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    boost::beast::error_code error;
    while (!held_.empty() && !parser_->is_done()) {
      const std::size_t used = parser_->put(boost::asio::buffer(held_), error);
      held_.erase(0, used);
      if (error == http::error::need_more) {
        // A header line may not be complete yet; what is held meanwhile is bounded.
        if (held_.size() <= header_limit) return;
        return finish({}, now);
      }
      if (error) return finish({}, now);
      if (used == 0) break;
      if (parser_->is_done() && parser_->get().result_int() < 200) {
        if (parser_->get().result() == http::status::switching_protocols || --informational_left_ < 0) {
          return finish({}, now);
        }
        expect_answer();
      }
    }
    if (parser_->is_done()) finish(read_answer(), now);
  }

  void produce(std::vector<std::uint8_t>& out, std::size_t) override {
    out.insert(out.end(), out_.begin(), out_.end());
    out_.clear();
  }
  bool finished() const override { return !done_; }

  void closed(const instant& now) override {
    if (!done_) return;
    if (!parser_->got_some()) return finish({}, now);
    boost::beast::error_code error;
    parser_->put_eof(error);  // a body without length ends with the connection
    if (!error && parser_->is_done()) return finish(read_answer(), now);
    finish({}, now);
  }

 private:
  void expect_answer() {
    parser_.emplace();
    parser_->header_limit(header_limit);
    parser_->body_limit(body_limit_);
    parser_->eager(true);
  }
  post_answer read_answer() const {
    const auto& m = parser_->get();
    return {static_cast<int>(m.result_int()), m.body(), std::string(m[http::field::retry_after]),
            std::string(m[http::field::date])};
  }
  void finish(post_answer answer, const instant& now) {
    if (done_) std::exchange(done_, nullptr)(std::move(answer), now);
  }

  const std::size_t body_limit_;
  std::optional<http::response_parser<http::string_body>> parser_;
  int informational_left_ = informational_limit;
  std::string held_;
  std::string out_;
  std::function<void(post_answer, const instant&)> done_;
};

}  // namespace

std::unique_ptr<byte_session> make_post(const post_request& request, std::size_t body_limit,
                                               std::function<void(post_answer, const instant&)> done) {
  return std::make_unique<exchange>(request, body_limit, std::move(done));
}

}  // namespace reveille::http1
