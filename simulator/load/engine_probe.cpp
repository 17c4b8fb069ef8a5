#include "simulator/load/engine_probe.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>

#include "core/flow.hpp"

namespace reveille::load {

namespace {

constexpr std::size_t max_body = 16 << 20;

std::optional<double> number(std::string_view text) {
  if (text == "+Inf") return std::numeric_limits<double>::infinity();
  double value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct descriptor {
  explicit descriptor(int value) : fd(value) {}
  ~descriptor() {
    if (fd >= 0) ::close(fd);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  int fd;
};

}  // namespace

std::optional<process_usage> read_stat(std::string_view stat, long ticks_per_second, long page_bytes) {
  // The name in parentheses may hold blanks and parentheses itself: fields count from the last one.
  const std::size_t close = stat.rfind(')');
  if (close == stat.npos) return std::nullopt;
  std::istringstream fields{std::string(stat.substr(close + 1))};
  std::string field;
  process_usage out;
  double ticks = 0;
  for (int i = 3; fields >> field; ++i) {
    const double value = number(field).value_or(0);
    if (i == 14 || i == 15) ticks += value;
    if (i == 24) {
      out.cpu_seconds = ticks / static_cast<double>(ticks_per_second);
      out.rss_bytes = static_cast<std::uint64_t>(value) * static_cast<std::uint64_t>(page_bytes);
      return out;
    }
  }
  return std::nullopt;
}

std::optional<process_usage> usage_of(std::uint32_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return read_stat(text, ::sysconf(_SC_CLK_TCK), ::sysconf(_SC_PAGESIZE));
}

result<std::string> fetch(const std::string& url) {
  constexpr std::string_view scheme = "http://";
  if (!url.starts_with(scheme)) return failure("'" + url + "' is no http:// URL");
  const std::string rest = url.substr(scheme.size());
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const auto where = parse_endpoint(rest.substr(0, slash));
  if (!where || where->v6) return failure("'" + url + "': write http://A.B.C.D:PORT/path");
  const std::string path = slash == rest.size() ? "/" : rest.substr(slash);
  const descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.fd < 0) return failure("no socket");
  const timeval patience{2, 0};
  ::setsockopt(socket.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(socket.fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(where->port);
  std::memcpy(&address.sin_addr, where->address.data(), 4);
  if (::connect(socket.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return failure("cannot connect to " + where->text());
  }
  const std::string request = "GET " + path + " HTTP/1.0\r\nHost: " + where->text() + "\r\nConnection: close\r\n\r\n";
  if (::send(socket.fd, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) {
    return failure("cannot write to " + where->text());
  }
  std::string answer;
  char piece[16384];
  for (ssize_t n; answer.size() < max_body && (n = ::recv(socket.fd, piece, sizeof piece, 0)) > 0;) {
    answer.append(piece, static_cast<std::size_t>(n));
  }
  const std::size_t body = answer.find("\r\n\r\n");
  if (!answer.starts_with("HTTP/1.") || body == answer.npos || answer.substr(8, 5).find(" 200") != 0) {
    return failure("no 200 from " + url);
  }
  return answer.substr(body + 4);
}

report::engine_histogram read_histogram(std::string_view text, std::string_view name) {
  std::map<double, double> sums;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.starts_with(name) || !line.substr(name.size()).starts_with("_bucket{")) continue;
    const std::size_t mark = line.find("le=\"");
    const std::size_t quote = mark == line.npos ? line.npos : line.find('"', mark + 4);
    const std::size_t brace = line.rfind('}');
    if (quote == line.npos || brace == line.npos) continue;
    const auto bound = number(line.substr(mark + 4, quote - mark - 4));
    std::string_view value = line.substr(brace + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    const auto count = number(value.substr(0, value.find(' ')));
    if (bound && count) sums[*bound] += *count;
  }
  report::engine_histogram out;
  for (const auto& step : sums) out.steps.push_back(step);
  if (!out.steps.empty()) out.count = out.steps.back().second;
  return out;
}

report::engine_histogram difference(const report::engine_histogram& after, const report::engine_histogram& before) {
  report::engine_histogram out = after;
  if (before.steps.size() != after.steps.size()) return out;  // a restart between, or none before
  for (std::size_t i = 0; i < out.steps.size(); ++i) out.steps[i].second -= before.steps[i].second;
  out.count -= before.count;
  return out;
}

}  // namespace reveille::load
