#include "engine/tools/system_outside.hpp"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "engine/tools/one_push.hpp"
#include "net/udp/socket_address.hpp"

namespace reveille {
namespace {

constexpr std::streamsize file_limit = 64 * 1024;

std::string system_fault() { return std::strerror(errno); }

/// A socket that closes itself.
class socket_handle {
 public:
  socket_handle(const endpoint& at, int type) : fd_(::socket(at.v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0)) {}
  ~socket_handle() {
    if (fd_ >= 0) ::close(fd_);
  }
  socket_handle(const socket_handle&) = delete;
  socket_handle& operator=(const socket_handle&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

/// The nearest that exists, of a path that may not.
std::string existing_part(std::string path) {
  struct stat s {};
  while (!path.empty() && ::stat(path.c_str(), &s) != 0) {
    const std::size_t slash = path.find_last_of('/');
    path = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  }
  return path;
}

}  // namespace

file_facts system_outside::file(const std::string& path) {
  file_facts out;
  struct stat s {};
  out.exists = ::stat(path.c_str(), &s) == 0;
  if (!out.exists || !S_ISREG(s.st_mode)) return out;
  out.others_may_read = (s.st_mode & S_IROTH) != 0;
  std::ifstream in(path, std::ios::binary);
  out.text.resize(file_limit);
  in.read(out.text.data(), file_limit);
  out.text.resize(static_cast<std::size_t>(in.gcount()));
  out.readable = in.gcount() > 0;
  return out;
}

directory_facts system_outside::directory(const std::string& path) {
  directory_facts out;
  struct stat s {};
  out.exists = ::stat(path.c_str(), &s) == 0;
  if (out.exists && !S_ISDIR(s.st_mode)) {
    out.fault = "it is no directory";
    return out;
  }
  const std::string at = existing_part(path);
  out.writable = ::access(at.c_str(), W_OK | X_OK) == 0;
  if (!out.writable) out.fault = system_fault() + (at == path ? "" : " in " + at);
  struct statvfs v {};
  if (::statvfs(at.c_str(), &v) == 0) out.free_octets = std::uint64_t{v.f_bavail} * v.f_frsize;
  return out;
}

port_facts system_outside::udp_port(const endpoint& at) {
  const socket_handle s(at, SOCK_DGRAM);
  if (s.fd() < 0) return {port_state::not_ours, system_fault()};
  // Without SO_REUSEPORT: an engine that has it is no reason to call the port free.
  sockaddr_storage address{};
  const socklen_t length = to_sockaddr(at, address);
  if (::bind(s.fd(), reinterpret_cast<const sockaddr*>(&address), length) == 0) return {};
  const port_state state = errno == EADDRINUSE ? port_state::taken : port_state::not_ours;
  return {state, system_fault()};
}

machine_facts system_outside::machine() {
  machine_facts out;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) out.open_files = limit.rlim_cur;
  std::ifstream in("/proc/sys/net/core/rmem_max");
  in >> out.receive_buffer;
  if (!in) out.receive_buffer = 0;
  return out;
}

bool system_outside::engine_lives(const endpoint& admin) {
  const socket_handle s(admin, SOCK_STREAM);
  if (s.fd() < 0) return false;
  const timeval patience{2, 0};
  ::setsockopt(s.fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(s.fd(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  sockaddr_storage address{};
  const socklen_t length = to_sockaddr(admin, address);
  if (::connect(s.fd(), reinterpret_cast<const sockaddr*>(&address), length) != 0) return false;
  static constexpr std::string_view request = "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  if (::send(s.fd(), request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) return false;
  char begin[64] = {};
  const ssize_t got = ::recv(s.fd(), begin, sizeof begin, 0);
  // 401 too: an engine whose admin API wants a bearer token.
  const std::string_view answer(begin, got > 0 ? static_cast<std::size_t>(got) : 0);
  return answer.starts_with("HTTP/1.1 200") || answer.starts_with("HTTP/1.1 401");
}

result<pns::push_answer, std::vector<error>> system_outside::push(const push_config& config, const pns::push_order& order) {
  return send_one(config, order, clock_);
}

}  // namespace reveille
