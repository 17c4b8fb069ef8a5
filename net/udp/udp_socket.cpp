#include "net/udp/udp_socket.hpp"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include "net/udp/socket_address.hpp"

namespace reveille {

namespace {

constexpr std::size_t longest_datagram = 65535;
/// Errors of earlier datagrams that a system call may report in place of its own work before we give up on it.
constexpr int most_pending_errors = 64;
/// Room in the first message of a batch for SO_RXQ_OVFL (cumulative, so the first tells all) and for when it came.
constexpr std::size_t control_room = CMSG_SPACE(sizeof(std::uint32_t)) + CMSG_SPACE(sizeof(timespec));

nanoseconds of(const timespec& t) { return seconds(t.tv_sec) + nanoseconds(t.tv_nsec); }

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS; }

std::string why(const std::string& what, int error) { return what + ": " + std::generic_category().message(error); }

}  // namespace

udp_counters& udp_counters::operator+=(const udp_counters& other) {
  received += other.received;
  received_bytes += other.received_bytes;
  sent += other.sent;
  sent_bytes += other.sent_bytes;
  kernel_drops += other.kernel_drops;
  pool_drops += other.pool_drops;
  truncated += other.truncated;
  too_large += other.too_large;
  send_full += other.send_full;
  send_errors += other.send_errors;
  unreachable += other.unreachable;
  return *this;
}

class udp_socket::impl {
 public:
  impl(int fd, const endpoint& local, slab_pool& pool, const udp_config& config)
      : fd_(fd), local_(local), pool_(pool), first_part_(config.usual_datagram), room_(config.parser_room),
        overflow_(std::make_unique_for_overwrite<char[]>(batch * longest_datagram)) {
    for (std::size_t i = 0; i < batch; ++i) {
      receive_parts_[i][1] = {overflow_.get() + i * longest_datagram, longest_datagram};
      msghdr& in = receive_[i].msg_hdr;
      in.msg_iov = receive_parts_[i].data();
      in.msg_iovlen = 2;
      in.msg_name = &receive_from_[i];
      msghdr& out = send_[i].msg_hdr;
      out.msg_iov = &send_parts_[i];
      out.msg_iovlen = 1;
      out.msg_name = &send_to_[i];
    }
  }
  ~impl() { ::close(fd_); }
  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;

  std::size_t receive(std::span<datagram> out) {
    std::size_t done = 0;
    first_of_receive_ = true;
    while (done < out.size()) {
      const std::size_t wanted = std::min(batch, out.size() - done);
      const std::size_t ready = fill_slots(wanted);
      if (ready == 0) {
        drop_one();  // no slab: take a datagram off the queue all the same, or an idle loop would spin on it
        return done;
      }
      const int n = receive_batch(ready);
      if (n <= 0) return done;
      done += keep(static_cast<std::size_t>(n), out.subspan(done));
      if (static_cast<std::size_t>(n) < wanted) return done;
    }
    return done;
  }

  void send(const endpoint& to, slab_ptr bytes, std::size_t size) {
    if (queued_ == batch) flush();
    const std::size_t i = queued_++;
    send_[i].msg_hdr.msg_namelen = to_sockaddr(to, send_to_[i]);
    send_parts_[i] = {bytes->data(), size};
    send_slabs_[i] = std::move(bytes);
  }

  void flush() {
    std::size_t first = 0;
    int pending = 0;
    while (first < queued_) {
      const int n = ::sendmmsg(fd_, send_.data() + first, static_cast<unsigned>(queued_ - first), 0);
      if (n > 0) {
        for (std::size_t i = first; i < first + static_cast<std::size_t>(n); ++i) {
          counters.sent_bytes += send_parts_[i].iov_len;
        }
        counters.sent += static_cast<std::uint64_t>(n);
        first += static_cast<std::size_t>(n);
        continue;
      }
      const int error = errno;
      if (error == EINTR) continue;
      if (would_block(error)) {
        counters.send_full += queued_ - first;
        break;
      }
      // With IP_RECVERR an earlier datagram's ICMP error may be reported here; reading the queue clears it.
      if (read_error_queue() > 0 && ++pending < most_pending_errors) continue;
      ++counters.send_errors;
      if (tell_) tell_(from_sockaddr(send_to_[first]));
      ++first;
    }
    for (std::size_t i = 0; i < queued_; ++i) send_slabs_[i].reset();
    queued_ = 0;
  }

  int fd_;
  endpoint local_;
  udp_counters counters;
  std::function<void(const endpoint&)> tell_;
  nanoseconds oldest_waited_{0};

 private:
  std::size_t fill_slots(std::size_t wanted) {
    std::size_t i = 0;
    for (; i < wanted; ++i) {
      // From the reserve if need be: only who has read it knows whether it ends work. The shard refuses what begins some.
      if (!receive_slabs_[i]) receive_slabs_[i] = pool_.take(first_part_ + room_, slab_use::ending);
      if (!receive_slabs_[i]) break;
      receive_parts_[i][0] = {receive_slabs_[i]->data(), first_part_};
      receive_[i].msg_hdr.msg_namelen = sizeof(sockaddr_storage);
      receive_[i].msg_hdr.msg_flags = 0;
    }
    receive_[0].msg_hdr.msg_control = control_.data();
    receive_[0].msg_hdr.msg_controllen = control_.size();
    return i;
  }

  int receive_batch(std::size_t slots) {
    for (int pending = 0; pending < most_pending_errors; ++pending) {
      const int n = ::recvmmsg(fd_, receive_.data(), static_cast<unsigned>(slots), 0, nullptr);
      if (n >= 0) return n;
      if (errno == EINTR) continue;
      if (would_block(errno)) {
        // An edge for the error queue alone looks like this.
        read_error_queue();
        return 0;
      }
      read_error_queue();
    }
    return 0;
  }

  std::size_t keep(std::size_t n, std::span<datagram> out) {
    read_control();
    std::size_t kept = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t size = receive_[i].msg_len;
      if ((receive_[i].msg_hdr.msg_flags & MSG_TRUNC) != 0) {
        ++counters.truncated;
        continue;
      }
      if (size > first_part_ && size + room_ > slab_pool::largest) {
        ++counters.too_large;
        continue;
      }
      slab_ptr bytes = std::move(receive_slabs_[i]);
      if (size > first_part_) {
        slab_ptr whole = pool_.take(size + room_, slab_use::ending);
        if (!whole) {
          ++counters.pool_drops;
          continue;
        }
        std::memcpy(whole->data(), bytes->data(), first_part_);
        std::memcpy(whole->data() + first_part_, receive_parts_[i][1].iov_base, size - first_part_);
        bytes = std::move(whole);
      }
      counters.received_bytes += size;
      out[kept++] = {std::move(bytes), size, from_sockaddr(receive_from_[i])};
    }
    counters.received += kept;
    return kept;
  }

  void read_control() {
    msghdr& first = receive_[0].msg_hdr;
    for (cmsghdr* c = CMSG_FIRSTHDR(&first); c != nullptr; c = CMSG_NXTHDR(&first, c)) {
      if (c->cmsg_level != SOL_SOCKET) continue;
      if (c->cmsg_type == SO_RXQ_OVFL) {
        std::uint32_t total = 0;
        std::memcpy(&total, CMSG_DATA(c), sizeof total);
        counters.kernel_drops += static_cast<std::uint32_t>(total - kernel_drops_seen_);  // modulo 2^32
        kernel_drops_seen_ = total;
      } else if (c->cmsg_type == SCM_TIMESTAMPNS && first_of_receive_) {
        timespec came{};
        std::memcpy(&came, CMSG_DATA(c), sizeof came);
        timespec now{};
        ::clock_gettime(CLOCK_REALTIME, &now);  // the clock of the stamp: both are read by adapters only
        oldest_waited_ = std::max(of(now) - of(came), nanoseconds{0});
        first_of_receive_ = false;
      }
    }
  }

  void drop_one() {
    char nothing;
    if (::recv(fd_, &nothing, sizeof nothing, MSG_TRUNC) >= 0) ++counters.pool_drops;
  }

  /// @return how many errors were there.
  int read_error_queue() {
    int count = 0;
    for (; count < most_pending_errors; ++count) {
      sockaddr_storage about{};
      char payload;
      iovec part{&payload, sizeof payload};
      std::array<char, 512> control;
      msghdr m{};
      m.msg_name = &about;
      m.msg_namelen = sizeof about;
      m.msg_iov = &part;
      m.msg_iovlen = 1;
      m.msg_control = control.data();
      m.msg_controllen = control.size();
      if (::recvmsg(fd_, &m, MSG_ERRQUEUE) < 0) break;
      if (!says_unreachable(m)) continue;
      ++counters.unreachable;
      if (tell_) tell_(from_sockaddr(about));
    }
    return count;
  }

  static bool says_unreachable(msghdr& m) {
    for (cmsghdr* c = CMSG_FIRSTHDR(&m); c != nullptr; c = CMSG_NXTHDR(&m, c)) {
      const bool v4 = c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR;
      const bool v6 = c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR;
      if (!v4 && !v6) continue;
      sock_extended_err e{};
      std::memcpy(&e, CMSG_DATA(c), sizeof e);
      if (e.ee_origin != SO_EE_ORIGIN_ICMP && e.ee_origin != SO_EE_ORIGIN_ICMP6) continue;
      // "Fragmentation needed" tells of the path, not of the peer.
      return e.ee_errno == ECONNREFUSED || e.ee_errno == EHOSTUNREACH || e.ee_errno == ENETUNREACH ||
             e.ee_errno == EHOSTDOWN;
    }
    return false;
  }

  slab_pool& pool_;
  std::size_t first_part_;
  std::size_t room_;
  std::unique_ptr<char[]> overflow_;  ///< never touched unless a datagram is longer than usual
  std::array<mmsghdr, batch> receive_{};
  std::array<std::array<iovec, 2>, batch> receive_parts_{};
  std::array<sockaddr_storage, batch> receive_from_{};
  std::array<slab_ptr, batch> receive_slabs_{};
  alignas(cmsghdr) std::array<char, control_room> control_{};
  std::uint32_t kernel_drops_seen_ = 0;
  bool first_of_receive_ = true;
  std::array<mmsghdr, batch> send_{};
  std::array<iovec, batch> send_parts_{};
  std::array<sockaddr_storage, batch> send_to_{};
  std::array<slab_ptr, batch> send_slabs_{};
  std::size_t queued_ = 0;
};

std::optional<error> udp_socket::in_use(const endpoint& listen) {
  if (listen.port == 0) return std::nullopt;
  const std::string where = "udp " + listen.text();
  const int fd = ::socket(listen.v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return error{why(where + ": socket", errno)};
  const int on = 1;
  if (listen.v6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  sockaddr_storage address{};
  const socklen_t length = to_sockaddr(listen, address);
  const bool free = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), length) == 0;
  const int problem = errno;
  ::close(fd);
  if (free) return std::nullopt;
  return error{why(where + ": bind", problem)};
}

result<std::unique_ptr<udp_socket>> udp_socket::open(const endpoint& listen, slab_pool& pool, const udp_config& config) {
  const std::string where = "udp " + listen.text();
  const int fd = ::socket(listen.v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return failure(why(where + ": socket", errno));
  auto made = std::make_unique<impl>(fd, listen, pool, config);

  const auto set = [fd](int level, int name, int value) { return ::setsockopt(fd, level, name, &value, sizeof value) == 0; };
  if (!set(SOL_SOCKET, SO_REUSEPORT, 1)) return failure(why(where + ": SO_REUSEPORT", errno));
  if (listen.v6 && !set(IPPROTO_IPV6, IPV6_V6ONLY, 1)) return failure(why(where + ": IPV6_V6ONLY", errno));
  if (!set(listen.v6 ? IPPROTO_IPV6 : IPPROTO_IP, listen.v6 ? IPV6_RECVERR : IP_RECVERR, 1)) {
    return failure(why(where + ": IP_RECVERR", errno));
  }
  // Beyond net.core.rmem_max only with CAP_NET_ADMIN; otherwise the kernel gives what it allows.
  if (!set(SOL_SOCKET, SO_RCVBUFFORCE, config.receive_buffer)) set(SOL_SOCKET, SO_RCVBUF, config.receive_buffer);
  if (!set(SOL_SOCKET, SO_SNDBUFFORCE, config.send_buffer)) set(SOL_SOCKET, SO_SNDBUF, config.send_buffer);
  set(SOL_SOCKET, SO_RXQ_OVFL, 1);
  set(SOL_SOCKET, SO_TIMESTAMPNS, 1);

  sockaddr_storage address{};
  socklen_t length = to_sockaddr(listen, address);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), length) != 0) return failure(why(where + ": bind", errno));
  length = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    return failure(why(where + ": getsockname", errno));
  }
  made->local_ = from_sockaddr(address);
  return std::unique_ptr<udp_socket>(new udp_socket(std::move(made)));
}

udp_socket::udp_socket(std::unique_ptr<impl> made) : impl_(std::move(made)) {}
udp_socket::~udp_socket() = default;

int udp_socket::fd() const { return impl_->fd_; }
const endpoint& udp_socket::local() const { return impl_->local_; }
void udp_socket::on_unreachable(std::function<void(const endpoint&)> tell) { impl_->tell_ = std::move(tell); }
std::size_t udp_socket::receive(std::span<datagram> out) { return impl_->receive(out); }
nanoseconds udp_socket::oldest_waited() const { return impl_->oldest_waited_; }
void udp_socket::send(const endpoint& to, slab_ptr bytes, std::size_t size) { impl_->send(to, std::move(bytes), size); }
void udp_socket::flush() { impl_->flush(); }
const udp_counters& udp_socket::counters() const { return impl_->counters; }

}  // namespace reveille
