#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "mock_providers/delivery/device_sink.hpp"
#include "pns/json_text.hpp"

namespace reveille::mock_providers {
namespace {

constexpr std::size_t max_line = 64 * 1024;   // a payload is 5 KB at most; a longer line is not ours
constexpr int send_patience_ms = 5000;

class stream final : public delivery_stream {
 public:
  stream(int descriptor, device_sink& sink) : descriptor_(descriptor), sink_(sink) {}
  ~stream() override { ::close(descriptor_); }
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;

  int descriptor() const override { return descriptor_; }
  std::uint64_t malformed() const override { return malformed_; }

  bool read() override {
    char buffer[64 * 1024];
    for (;;) {
      const ssize_t n = ::recv(descriptor_, buffer, sizeof buffer, MSG_DONTWAIT);
      if (n < 0) return errno == EAGAIN || errno == EINTR;
      if (n == 0) return false;
      take({buffer, static_cast<std::size_t>(n)});
      if (static_cast<std::size_t>(n) < sizeof buffer) return true;
    }
  }

  bool set_reachable(pns::provider provider, std::string_view token, bool reachable) override {
    return send_line(std::string("{\"reachable\":") + (reachable ? "true" : "false"), provider, token);
  }
  bool unregister(pns::provider provider, std::string_view token, wall_time when) override {
    return send_line("{\"unregister\":" + std::to_string(when.time_since_epoch().count()), provider, token);
  }

  bool send_all(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n > 0) {
        bytes.remove_prefix(static_cast<std::size_t>(n));
        continue;
      }
      pollfd wait{descriptor_, POLLOUT, 0};
      if ((errno != EAGAIN && errno != EINTR) || ::poll(&wait, 1, send_patience_ms) == 0) return false;
    }
    return true;
  }

 private:
  bool send_line(std::string head, pns::provider provider, std::string_view token) {
    head.append(",\"provider\":\"").append(pns::name_of(provider)).append("\",\"token\":\"");
    pns::append_json_text(head, token, 1);
    head.append("\"}\n");
    return send_all(head);
  }

  void take(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::size_t end = bytes.find('\n');
      if (end == std::string_view::npos) {
        kept_.append(bytes);
        if (kept_.size() > max_line) {
          ++malformed_;
          kept_.clear();
        }
        return;
      }
      if (kept_.empty()) {
        line(bytes.substr(0, end));
      } else {
        kept_.append(bytes.substr(0, end));
        line(kept_);
        kept_.clear();
      }
      bytes.remove_prefix(end + 1);
    }
  }

  void line(std::string_view text) {
    if (text.starts_with("{\"ok\"")) return;   // the answer to a command
    if (!read_delivery_line(text, sink_)) ++malformed_;
  }

  int descriptor_;
  device_sink& sink_;
  std::string kept_;   ///< the beginning of a line that has not all arrived
  std::uint64_t malformed_ = 0;
};

}  // namespace

result<std::unique_ptr<delivery_stream>> delivery_stream::connect(const std::string& host, std::uint16_t port,
                                                                  device_sink& sink) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found); code != 0) {
    return failure("mock providers at " + host + ": " + ::gai_strerror(code));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  int code = 0;
  for (const addrinfo* a = found; a; a = a->ai_next) {
    const int descriptor = ::socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
    if (descriptor < 0) continue;
    if (::connect(descriptor, a->ai_addr, a->ai_addrlen) == 0) {
      auto made = std::make_unique<stream>(descriptor, sink);
      if (!made->send_all("{\"subscribe\":true}\n")) return failure("mock providers: connection lost");
      return made;
    }
    code = errno;
    ::close(descriptor);
  }
  return failure("mock providers at " + host + ":" + std::to_string(port) + ": " + std::strerror(code));
}

}  // namespace reveille::mock_providers
