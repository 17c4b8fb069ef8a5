#include "mock_providers/control_port.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <nlohmann/json.hpp>
#include <set>

namespace reveille::mock_providers {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using nlohmann::json;

std::string text_of(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string refusal(std::string_view why) {
  return json{{"ok", false}, {"error", why}}.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

/// One line in, the answering line out.
std::string obey(std::string_view line, control_commands& commands, bool& subscribe) {
  const json command = json::parse(line, nullptr, false);
  if (!command.is_object()) return refusal("a command is a JSON object on one line");
  if (command.contains("subscribe")) {
    subscribe = command["subscribe"] == true;
  } else if (command.contains("faults")) {
    const std::string fault = commands.command_faults(command["faults"].dump(-1, ' ', false, json::error_handler_t::replace));
    if (!fault.empty()) return refusal(fault);
  } else if (command.contains("drop_connections")) {
    commands.command_drop_connections();
  } else if (command.contains("revoke_access_tokens")) {
    commands.command_revoke_tokens();
  } else {
    const auto provider = pns::provider_of(text_of(command, "provider"));
    const std::string token = text_of(command, "token");
    if (!provider || token.empty()) return refusal("unknown command, or no \"provider\" and \"token\"");
    if (command.contains("reachable")) {
      commands.command_reachable(*provider, token, command["reachable"] == true);
    } else if (command.contains("unregister") && command["unregister"].is_number_integer()) {
      commands.command_unregister(*provider, token, wall_time(milliseconds(command["unregister"].get<std::int64_t>())));
    } else if (command.contains("register")) {
      commands.command_register(*provider, token, text_of(command, "register"));
    } else {
      return refusal("unknown command");
    }
  }
  return "{\"ok\":true}\n";
}

std::string http_answer(std::string_view request_line, control_commands& commands) {
  const bool metrics = request_line.starts_with("GET /metrics ");
  const bool record = request_line.starts_with("GET /record ");
  const std::string body = metrics ? commands.metrics() : record ? commands.record_lines() : "try /metrics or /record\n";
  const std::string_view type = metrics ? "text/plain; version=0.0.4; charset=utf-8" : "application/x-ndjson";
  return std::string("HTTP/1.1 ") + (metrics || record ? "200 OK" : "404 Not Found") + "\r\nContent-Type: " +
         std::string(type) + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
}

class connection : public std::enable_shared_from_this<connection> {
 public:
  connection(tcp::socket socket, control_commands& commands) : socket_(std::move(socket)), commands_(commands) {}

  void start() { read(); }
  bool subscribed() const { return subscribed_; }
  bool open() const { return open_; }
  std::size_t unsent() const { return next_.size() + sending_.size(); }

  void send(std::string_view text) {
    next_.append(text);
    if (sending_now_ || !open_) return;
    sending_now_ = true;
    // Deliveries come in bursts: what is sent in one turn of the loop goes out in one write.
    asio::post(socket_.get_executor(), [self = shared_from_this()] { self->write(); });
  }

  void close() {
    open_ = false;
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

 private:
  void read() {
    socket_.async_read_some(asio::buffer(buffer_), [self = shared_from_this()](boost::system::error_code error, std::size_t n) {
      if (error) return self->close();
      self->take({self->buffer_.data(), n});
      if (self->open_ && !self->ending_) self->read();
    });
  }

  void take(std::string_view bytes) {
    input_.append(bytes);
    std::size_t begin = 0;
    for (std::size_t end; (end = input_.find('\n', begin)) != std::string::npos && !ending_; begin = end + 1) {
      std::string_view line(input_.data() + begin, end - begin);
      if (line.ends_with('\r')) line.remove_suffix(1);
      take_line(line);
    }
    input_.erase(0, begin);
    if (input_.size() > control_port::max_line) close();
  }

  void take_line(std::string_view line) {
    if (!request_line_.empty()) {
      if (!line.empty()) return;   // a header
      ending_ = true;
      return send(http_answer(request_line_, commands_));
    }
    if (line.starts_with("GET ")) {
      request_line_ = line;
    } else if (!line.empty()) {
      send(obey(line, commands_, subscribed_));
    }
  }

  void write() {
    if (!open_) return;
    if (next_.empty()) {
      sending_now_ = false;
      if (ending_) close();
      return;
    }
    sending_.clear();
    sending_.swap(next_);
    asio::async_write(socket_, asio::buffer(sending_), [self = shared_from_this()](boost::system::error_code error, std::size_t) {
      self->sending_.clear();
      if (error) return self->close();
      self->write();
    });
  }

  tcp::socket socket_;
  control_commands& commands_;
  std::array<char, 16 * 1024> buffer_{};
  std::string input_;
  std::string request_line_;
  std::string next_;      ///< to be sent
  std::string sending_;   ///< under way
  bool sending_now_ = false;
  bool subscribed_ = false;
  bool ending_ = false;
  bool open_ = true;
};

class port_on_tcp final : public control_port {
 public:
  port_on_tcp(asio::io_context& io, control_commands& commands) : acceptor_(io), pause_(io), commands_(commands) {}
  ~port_on_tcp() override {
    *alive_ = false;
    for (const auto& c : connections_) c->close();
  }

  result<void> open(const std::string& address, std::uint16_t port) {
    boost::system::error_code error;
    const auto ip = asio::ip::make_address(address, error);
    if (!error && !ip.is_loopback()) return failure("control port: " + address + " is no loopback address");
    const tcp::endpoint where(ip, port);
    if (!error) acceptor_.open(where.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(where, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) return failure("control port " + address + ":" + std::to_string(port) + ": " + error.message());
    accept();
    return {};
  }

  std::uint16_t port() const override {
    boost::system::error_code error;
    return acceptor_.local_endpoint(error).port();
  }
  std::uint64_t subscribers_dropped() const override { return dropped_; }

  void publish(const delivery& what) override {
    line_.clear();
    for (auto it = connections_.begin(); it != connections_.end();) {
      const std::shared_ptr<connection>& c = *it;
      if (c->open() && c->unsent() > max_unsent) {
        ++dropped_;
        c->close();
      }
      if (!c->open()) {
        it = connections_.erase(it);
        continue;
      }
      if (c->subscribed()) {
        if (line_.empty()) append_delivery_line(line_, what);
        c->send(line_);
      }
      ++it;
    }
  }

 private:
  void accept() {
    acceptor_.async_accept([this, alive = alive_](boost::system::error_code error, tcp::socket socket) {
      if (!*alive || error == asio::error::operation_aborted) return;
      std::erase_if(connections_, [](const auto& c) { return !c->open(); });
      if (!error && connections_.size() < max_connections) {
        auto made = std::make_shared<connection>(std::move(socket), commands_);
        connections_.insert(made);
        made->start();
      }
      if (error) return rest();  // out of descriptors, most likely: try again a little later
      accept();
    });
  }

  void rest() {
    pause_.expires_after(std::chrono::milliseconds(100));
    pause_.async_wait([this, alive = alive_](boost::system::error_code error) {
      if (*alive && !error) accept();
    });
  }

  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  control_commands& commands_;
  std::set<std::shared_ptr<connection>> connections_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::string line_;
  std::uint64_t dropped_ = 0;
};

}  // namespace

result<std::unique_ptr<control_port>> control_port::make(asio::io_context& io, const std::string& address,
                                                         std::uint16_t port, control_commands& commands) {
  auto made = std::make_unique<port_on_tcp>(io, commands);
  if (auto opened = made->open(address, port); !opened) return tl::unexpected(opened.error());
  return made;
}

}  // namespace reveille::mock_providers
