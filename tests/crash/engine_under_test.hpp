/// The engine as a program, and phones that talk to it over UDP. Nothing of ours is linked.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <string>

#ifndef REVEILLE_PROGRAM
#define REVEILLE_PROGRAM "reveille"
#endif

namespace crash_testing {

struct process_limit {
  int resource;   ///< RLIMIT_NOFILE, RLIMIT_AS
  rlim_t value;
};

class engine_process {
 public:
  /// Starts the engine and waits until it says that it is ready (20 s).
  /// @param limits set in the child, before it becomes the engine
  /// @param user who it becomes, 0 = who we are
  explicit engine_process(const std::string& config, std::initializer_list<process_limit> limits = {}, uid_t user = 0) {
    int ends[2];
    if (::pipe(ends) != 0) return;
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(ends[1], STDERR_FILENO);
      ::dup2(ends[1], STDOUT_FILENO);
      ::close(ends[0]);
      ::close(ends[1]);
      // Opened as who we are: another user may not be let into the directory that the build stands in.
      const int program = ::open(REVEILLE_PROGRAM, O_RDONLY | O_CLOEXEC);
      for (const process_limit& l : limits) {
        const rlimit both{l.value, l.value};
        ::setrlimit(static_cast<__rlimit_resource_t>(l.resource), &both);
      }
      if (user != 0 && ::setuid(user) != 0) ::_exit(126);
      char name[] = "reveille", option[] = "--config";
      char* const arguments[] = {name, option, const_cast<char*>(config.c_str()), nullptr};
      ::fexecve(program, arguments, environ);
      ::_exit(127);
    }
    ::close(ends[1]);
    output_ = ends[0];
    while (log_.find("ready") == std::string::npos) {
      pollfd ready{output_, POLLIN, 0};
      char text[1024];
      if (::poll(&ready, 1, 20000) <= 0) break;
      const ssize_t got = ::read(output_, text, sizeof text);
      if (got <= 0) break;
      log_.append(text, static_cast<std::size_t>(got));
    }
  }
  ~engine_process() {
    kill();
    ::close(output_);
  }
  engine_process(const engine_process&) = delete;
  engine_process& operator=(const engine_process&) = delete;

  void kill() {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    child_ = -1;
  }
  /// The number after `words` in what the engine said; 0 when it did not.
  std::uint16_t port_after(const std::string& words) const {
    const std::size_t at = log_.find(words);
    return at == std::string::npos ? std::uint16_t{0}
                                   : static_cast<std::uint16_t>(std::atoi(log_.c_str() + at + words.size()));
  }
  const std::string& log() const { return log_; }
  /// What it has said since it was ready, too.
  const std::string& log_so_far() {
    ::fcntl(output_, F_SETFL, O_NONBLOCK);
    char text[1024];
    for (ssize_t got; (got = ::read(output_, text, sizeof text)) > 0;) log_.append(text, static_cast<std::size_t>(got));
    return log_;
  }
  /// After SIGTERM, or by itself: what waitpid() says, with all that it said until its end in log(). 20 s at most, then -1.
  int wait_for_end() {
    for (pollfd ready{output_, POLLIN, 0}; ::poll(&ready, 1, 20000) > 0;) {
      char text[1024];
      const ssize_t got = ::read(output_, text, sizeof text);
      if (got <= 0) break;
      log_.append(text, static_cast<std::size_t>(got));
    }
    int status = -1;
    for (int i = 0; i < 2000 && ::waitpid(child_, &status, WNOHANG) == 0; ++i) ::poll(nullptr, 0, 10);
    child_ = -1;
    return status;
  }
  void terminate() const { ::kill(child_, SIGTERM); }
  bool runs() const { return child_ > 0 && ::waitpid(child_, nullptr, WNOHANG) == 0; }

 private:
  pid_t child_ = -1;
  int output_ = -1;
  std::string log_;
};

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return at;
}

/// A phone for everybody: one socket, users told apart by their Call-ID.
class phone {
 public:
  explicit phone(std::uint16_t engine) : socket_(::socket(AF_INET, SOCK_DGRAM, 0)) {
    sockaddr_in any = loopback(0);
    ::bind(socket_, reinterpret_cast<sockaddr*>(&any), sizeof any);
    socklen_t size = sizeof any;
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&any), &size);
    own_ = "127.0.0.1:" + std::to_string(ntohs(any.sin_port));
    const sockaddr_in to = loopback(engine);
    ::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  }
  ~phone() { ::close(socket_); }
  phone(const phone&) = delete;
  phone& operator=(const phone&) = delete;

  std::string contact_of(int user) const {
    std::string contact = "<sip:u" + std::to_string(user) + "@" + own_;
    // Every second one has a push binding: both kinds must be durable.
    if (user % 2 == 0) contact += ";pn-provider=fcm;pn-param=project;pn-prid=token-of-user-" + std::to_string(user);
    return contact + ">;expires=3600";
  }
  /// @param contact "" asks what is registered
  void send_register(int user, const std::string& contact, int cseq) const {
    const std::string of = "<sip:u" + std::to_string(user) + "@example.com>";
    send_text("REGISTER sip:example.com SIP/2.0\r\n" + head(of, of, user, cseq, "REGISTER") +
              (contact.empty() ? "" : "Contact: " + contact + "\r\n") + "Content-Length: 0\r\n\r\n");
  }
  void send_invite(int user) const {
    const std::string to = "sip:u" + std::to_string(user) + "@example.com";
    send_text("INVITE " + to + " SIP/2.0\r\n" + head("<sip:103@example.com>", "<" + to + ">", user, 1, "INVITE") +
              "Contact: <sip:103@" + own_ + ">\r\nContent-Length: 0\r\n\r\n");
  }
  /// One datagram, or "" after 2 s.
  std::string receive() const {
    pollfd ready{socket_, POLLIN, 0};
    if (::poll(&ready, 1, 2000) <= 0) return {};
    char text[8192];
    const ssize_t got = ::recv(socket_, text, sizeof text, 0);
    return got > 0 ? std::string(text, static_cast<std::size_t>(got)) : std::string();
  }

 private:
  std::string head(const std::string& from, const std::string& to, int user, int cseq,
                   const std::string& method) const {
    const std::string n = std::to_string(user) + "-" + std::to_string(cseq);
    return "Via: SIP/2.0/UDP " + own_ + ";branch=z9hG4bK-" + method + n +
           ";rport\r\nMax-Forwards: 70\r\nFrom: " + from + ";tag=t" + n + "\r\nTo: " + to + "\r\nCall-ID: " + method +
           "." + std::to_string(user) + ".end\r\nCSeq: " + std::to_string(cseq) + " " + method + "\r\n";
  }
  void send_text(const std::string& text) const { ::send(socket_, text.data(), text.size(), 0); }

  int socket_;
  std::string own_;
};

/// The user whose REGISTER this answers with 200, or -1.
inline int user_of_200(const std::string& response) {
  const std::size_t at = response.find("REGISTER.");
  if (!response.starts_with("SIP/2.0 200") || at == std::string::npos) return -1;
  return std::atoi(response.c_str() + at + 9);
}

inline std::string http_get(std::uint16_t port, const std::string& path) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in to = loopback(port);
  std::string all;
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) {
    const std::string text = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    char buffer[4096];
    for (ssize_t got; (got = ::recv(socket, buffer, sizeof buffer, 0)) > 0;)
      all.append(buffer, static_cast<std::size_t>(got));
  }
  ::close(socket);
  return all;
}

}  // namespace crash_testing
