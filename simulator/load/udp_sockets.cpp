#include "simulator/load/udp_sockets.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace reveille::load {

namespace {

constexpr std::uint32_t foreign = 0xffffffff;      ///< epoll's mark of a watched descriptor
constexpr std::size_t max_queued_bytes = 1 << 20;  ///< flushed when reached
constexpr int send_patience_ms = 20;               ///< how long a full socket buffer is waited for

std::string reason(const char* what) { return std::string(what) + ": " + std::generic_category().message(errno); }

socklen_t to_kernel(const endpoint& from, sockaddr_storage& into) {
  std::memset(&into, 0, sizeof into);
  if (from.v6) {
    auto& a = reinterpret_cast<sockaddr_in6&>(into);
    a.sin6_family = AF_INET6;
    a.sin6_port = htons(from.port);
    std::memcpy(&a.sin6_addr, from.address.data(), 16);
    return sizeof a;
  }
  auto& a = reinterpret_cast<sockaddr_in&>(into);
  a.sin_family = AF_INET;
  a.sin_port = htons(from.port);
  std::memcpy(&a.sin_addr, from.address.data(), 4);
  return sizeof a;
}

endpoint from_kernel(const sockaddr_storage& from) {
  endpoint out;
  if (from.ss_family == AF_INET6) {
    const auto& a = reinterpret_cast<const sockaddr_in6&>(from);
    out.v6 = true;
    out.port = ntohs(a.sin6_port);
    std::memcpy(out.address.data(), &a.sin6_addr, 16);
  } else {
    const auto& a = reinterpret_cast<const sockaddr_in&>(from);
    out.port = ntohs(a.sin_port);
    std::memcpy(out.address.data(), &a.sin_addr, 4);
  }
  return out;
}

/// Thousands of sockets may need more descriptors than the soft limit; the hard one is for the administrator.
void raise_descriptor_limit(std::size_t wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, wanted);
  ::setrlimit(RLIMIT_NOFILE, &limit);  // when it fails, opening says so
}

}  // namespace

struct udp_sockets::buffers {
  std::array<mmsghdr, batch> messages{};
  std::array<iovec, batch> pieces{};
  std::array<sockaddr_storage, batch> addresses{};
  std::vector<char> bytes = std::vector<char>(batch * max_datagram);
  std::array<mmsghdr, batch> out_messages{};
  std::array<iovec, batch> out_pieces{};
  std::array<sockaddr_storage, batch> out_addresses{};
  std::vector<epoll_event> events = std::vector<epoll_event>(512);
};

udp_sockets::udp_sockets() : buffers_(std::make_unique<buffers>()) {}

udp_sockets::~udp_sockets() {
  for (int d : descriptors_) ::close(d);
  if (epoll_ >= 0) ::close(epoll_);
}

result<std::unique_ptr<udp_sockets>> udp_sockets::open(const std::vector<std::string>& addresses, std::size_t count) {
  raise_descriptor_limit(count + 256);
  std::unique_ptr<udp_sockets> out(new udp_sockets);
  out->epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (out->epoll_ < 0) return failure(reason("epoll_create1"));
  for (std::size_t i = 0; i < count; ++i) {
    const auto wanted = parse_address(addresses[i % addresses.size()], 0);
    if (!wanted) return failure("no address: " + addresses[i % addresses.size()]);
    const int d = ::socket(wanted->v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (d < 0) return failure(reason("socket"));
    out->descriptors_.push_back(d);
    ::setsockopt(d, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_storage address;
    socklen_t size = to_kernel(*wanted, address);
    if (::bind(d, reinterpret_cast<sockaddr*>(&address), size) != 0) {
      return failure(reason(("bind to " + wanted->address_text()).c_str()));
    }
    size = sizeof address;
    if (::getsockname(d, reinterpret_cast<sockaddr*>(&address), &size) != 0) return failure(reason("getsockname"));
    out->locals_.push_back(from_kernel(address));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = static_cast<std::uint32_t>(i);
    if (::epoll_ctl(out->epoll_, EPOLL_CTL_ADD, d, &event) != 0) return failure(reason("epoll_ctl"));
  }
  return out;
}

result<bool> udp_sockets::watch(int descriptor) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = foreign;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) return failure(reason("epoll_ctl"));
  return true;
}

std::size_t udp_sockets::poll(milliseconds limit) {
  ready_.clear();
  auto& events = buffers_->events;
  const int n = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), static_cast<int>(limit.count()));
  for (int i = 0; i < n; ++i) {
    const std::uint32_t socket = events[static_cast<std::size_t>(i)].data.u32;
    if (socket != foreign) ready_.push_back(static_cast<std::uint16_t>(socket));
  }
  return ready_.size();
}

std::size_t udp_sockets::read_batch(std::uint16_t socket) {
  buffers& b = *buffers_;
  for (std::size_t i = 0; i < batch; ++i) {
    b.pieces[i] = {b.bytes.data() + i * max_datagram, max_datagram};
    b.messages[i] = {};
    b.messages[i].msg_hdr.msg_name = &b.addresses[i];
    b.messages[i].msg_hdr.msg_namelen = sizeof b.addresses[i];
    b.messages[i].msg_hdr.msg_iov = &b.pieces[i];
    b.messages[i].msg_hdr.msg_iovlen = 1;
  }
  const int n = ::recvmmsg(descriptors_[socket], b.messages.data(), batch, MSG_DONTWAIT, nullptr);
  if (n <= 0) return 0;  // nothing, or an ICMP error that the next read does not repeat
  for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) from_[i] = from_kernel(b.addresses[i]);
  received_ += static_cast<std::uint64_t>(n);
  return static_cast<std::size_t>(n);
}

std::string_view udp_sockets::view(std::size_t index) const {
  return {buffers_->bytes.data() + index * max_datagram, buffers_->messages[index].msg_len};
}

void udp_sockets::send(std::uint16_t socket, const endpoint& to, std::string_view bytes) {
  queue_.push_back({socket, to, static_cast<std::uint32_t>(bytes_.size()), static_cast<std::uint32_t>(bytes.size())});
  bytes_ += bytes;
  if (bytes_.size() >= max_queued_bytes) flush();
}

void udp_sockets::flush() {
  for (std::size_t first = 0; first < queue_.size();) {
    std::size_t count = 1;
    while (first + count < queue_.size() && count < batch && queue_[first + count].socket == queue_[first].socket) ++count;
    send_run(first, count);
    first += count;
  }
  queue_.clear();
  bytes_.clear();
}

void udp_sockets::send_run(std::size_t first, std::size_t count) {
  buffers& b = *buffers_;
  for (std::size_t i = 0; i < count; ++i) {
    const queued& q = queue_[first + i];
    b.out_pieces[i] = {bytes_.data() + q.offset, q.size};
    b.out_messages[i] = {};
    b.out_messages[i].msg_hdr.msg_name = &b.out_addresses[i];
    b.out_messages[i].msg_hdr.msg_namelen = to_kernel(q.to, b.out_addresses[i]);
    b.out_messages[i].msg_hdr.msg_iov = &b.out_pieces[i];
    b.out_messages[i].msg_hdr.msg_iovlen = 1;
  }
  const int d = descriptors_[queue_[first].socket];
  for (std::size_t done = 0; done < count;) {
    const int n = ::sendmmsg(d, b.out_messages.data() + done, static_cast<unsigned>(count - done), 0);
    if (n > 0) {
      done += static_cast<std::size_t>(n);
      sent_ += static_cast<std::uint64_t>(n);
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      pollfd wait{d, POLLOUT, 0};
      if (::poll(&wait, 1, send_patience_ms) > 0) continue;
    }
    if (errno == EINTR) continue;
    // This one is lost, as UDP may lose it (ECONNREFUSED of an earlier datagram lands here too).
    ++send_failures_;
    ++done;
  }
}

}  // namespace reveille::load
