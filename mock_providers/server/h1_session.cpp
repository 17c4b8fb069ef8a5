#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>
#include <string>

#include "mock_providers/server/provider_session.hpp"
#include "pns/answer.hpp"

namespace reveille::mock_providers {
namespace {

namespace http = boost::beast::http;

constexpr std::uint32_t header_limit = 16 * 1024;
constexpr std::uint64_t body_limit = 64 * 1024;
constexpr std::size_t input_limit = 256 * 1024;   ///< pipelined and not yet looked at; beyond: closed

/// One request at a time, in order; pipelined ones wait.
class h1_session final : public byte_session, public answering_session {
 public:
  h1_session(const session_context& around, front f, const std::shared_ptr<tls_connection>& connection)
      : around_(around), connection_(connection) {
    line_.front = f;
    last_request_ = around.time.now().steady;
    around_.delayer.began(f, self_);
    next_request();
  }

  void receive(std::span<const std::uint8_t> bytes, const instant& now) override {
    now_ = now;
    if (ended_) return;
    input_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (input_.size() > input_limit) ended_ = true;
    read();
    const auto connection = connection_.lock();
    if (!connection || !standing_.octets_per_second) return;
    connection->pause_reading();
    around_.delayer.pause(now_.steady + nanoseconds(bytes.size() * 1'000'000'000 / *standing_.octets_per_second), self_);
  }

  void produce(std::vector<std::uint8_t>& out, std::size_t limit) override {
    const std::size_t n = std::min(limit, output_.size());
    out.insert(out.end(), output_.begin(), output_.begin() + static_cast<std::ptrdiff_t>(n));
    output_.erase(0, n);
  }
  bool finished() const override { return ended_ && output_.empty(); }
  void closed(const instant&) override { self_.reset(); }

 private:
  using parser = http::request_parser<http::string_body>;

  void next_request() {
    parser_.emplace();
    parser_->eager(true);
    parser_->header_limit(header_limit);
    parser_->body_limit(body_limit);
  }

  /// A loop, not a recursion: a client may pipeline thousands.
  void read() {
    if (reading_) return;
    reading_ = true;
    take_requests();
    reading_ = false;
  }

  void take_requests() {
    while (!waiting_ && !ended_ && !input_.empty()) {
      boost::beast::error_code error;
      const std::size_t taken = parser_->put(boost::asio::buffer(input_), error);
      input_.erase(0, taken);
      if (error == http::error::need_more) return;
      if (error) return refuse(error == http::error::body_limit ? 413 : 400);
      if (parser_->is_done()) {
        handle();
      } else if (taken == 0) {
        return;
      }
    }
  }

  void refuse(int status) {
    provider_answer a;
    a.status = status;
    keep_alive_ = false;
    write(a);
  }

  void handle() {
    ++requests_;
    last_request_ = now_.steady;
    const auto& message = parser_->get();
    keep_alive_ = message.keep_alive();
    headers_.clear();
    for (const auto& field : message) {
      std::string name(field.name_string());
      for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      headers_.add(name, {field.value().data(), field.value().size()}, header_limit);
    }
    const std::string_view method(message.method_string().data(), message.method_string().size());
    const std::string_view target(message.target().data(), message.target().size());
    decision d = around_.backend.take(line_, {method, target, headers_, message.body(), false}, now_);
    if (d.answer.accepted) around_.delayer.delivery_waits();
    waiting_ = true;
    if (d.delay > nanoseconds(0)) {
      around_.delayer.delay(now_.steady + d.delay, self_, 0, std::move(d));
    } else {
      carry_out(0, d);
    }
  }

  void carry_out(std::uint32_t, const decision& d) override {
    const auto connection = connection_.lock();
    if (d.reset || d.close) {  // a stream cannot be reset here, so the connection is
      ended_ = true;
      if (connection) connection->abort();
      return;
    }
    if (d.silence) return;     // and the pipeline waits for ever, as it would
    write(d.answer);
    waiting_ = false;
    next_request();
    read();
    if (connection) connection->wake();
  }

  void stand(const standing_faults& what) override {
    const bool stopped_before = standing_.stop_reading;
    standing_ = what;
    const auto connection = connection_.lock();
    if (!connection) return;
    if (what.stop_reading) {
      connection->pause_reading();
    } else if (stopped_before) {
      connection->resume_reading();
    }
  }
  void tell(connection_facts& about) const override {
    const auto connection = connection_.lock();
    about.peer = connection ? connection->peer() : std::string_view();
    about.protocol = "http/1.1";
    about.requests = requests_;
    about.open_streams = waiting_ ? 1 : 0;
    about.going_away = ended_;
  }
  bool say_goodbye(const scripted_goaway&) override { return false; }
  void break_off() override {
    if (const auto connection = connection_.lock()) connection->abort();
  }
  void time_out(steady_time before) override {
    if (last_request_ >= before || waiting_ || ended_) return;
    ended_ = true;
    if (const auto connection = connection_.lock()) connection->wake();
  }
  void resume() override {
    const auto connection = connection_.lock();
    if (connection && !standing_.stop_reading) connection->resume_reading();
  }

  void write(const provider_answer& a) {
    output_ += "HTTP/1.1 " + std::to_string(a.status) + ' ';
    output_ += std::string_view(http::obsolete_reason(static_cast<http::status>(a.status)));
    output_ += "\r\nDate: " + pns::http_date_text(now_.wall);  // as Google's front ends send it
    output_ += "\r\nContent-Length: " + std::to_string(a.body.size()) + "\r\n";
    if (!a.content_type.empty()) output_.append("Content-Type: ").append(a.content_type).append("\r\n");
    for (const auto& [name, value] : a.headers) output_.append(name).append(": ").append(value).append("\r\n");
    if (!keep_alive_) output_ += "Connection: close\r\n";
    output_ += "\r\n" + a.body;
    if (!keep_alive_) ended_ = true;
  }

  session_context around_;
  std::weak_ptr<tls_connection> connection_;
  connection_state line_;
  standing_faults standing_;
  std::optional<parser> parser_;
  http2::header_block headers_;
  std::string input_;
  std::string output_;
  instant now_{};
  steady_time last_request_;
  std::uint64_t requests_ = 0;
  bool waiting_ = false;   ///< for the answer to the request before
  bool reading_ = false;
  bool ended_ = false;
  bool keep_alive_ = true;
  std::shared_ptr<answering_session*> self_ = std::make_shared<answering_session*>(this);
};

}  // namespace

std::unique_ptr<byte_session> make_h1_session(const session_context& around, front f,
                                                     const std::shared_ptr<tls_connection>& connection) {
  return std::make_unique<h1_session>(around, f, connection);
}

}  // namespace reveille::mock_providers
