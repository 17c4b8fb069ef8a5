/// The engine as its operator runs it, killed with -9 while registrations pour in over UDP: every one that got a 200 is
/// there after the restart, and so are push bucket entries (SPEC 9). Black box: nothing of ours is linked.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#ifndef REVEILLE_PROGRAM
#define REVEILLE_PROGRAM "reveille"
#endif

namespace {

constexpr int rounds = 4;
constexpr std::size_t window = 64;  ///< REGISTERs in flight

class engine_process {
 public:
  /// Starts the engine and waits until it says that it is ready (20 s).
  explicit engine_process(const std::string& config) {
    int ends[2];
    if (::pipe(ends) != 0) return;
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(ends[1], STDERR_FILENO);
      ::dup2(ends[1], STDOUT_FILENO);
      ::close(ends[0]);
      ::execl(REVEILLE_PROGRAM, "reveille", "--config", config.c_str(), nullptr);
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

 private:
  pid_t child_ = -1;
  int output_ = -1;
  std::string log_;
};

sockaddr_in loopback(std::uint16_t port) {
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
int user_of_200(const std::string& response) {
  const std::size_t at = response.find("REGISTER.");
  if (!response.starts_with("SIP/2.0 200") || at == std::string::npos) return -1;
  return std::atoi(response.c_str() + at + 9);
}

std::string http_get(std::uint16_t port, const std::string& path) {
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

class EngineCrash : public ::testing::Test {
 protected:
  EngineCrash() {
    std::string pattern = (std::filesystem::temp_directory_path() / "reveille-crash-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    config_ = directory_ + "/reveille.toml";
    std::ofstream(config_)
        << "[node]\nlisten = [\"udp:127.0.0.1:0\"]\ndomains = [\"example.com\"]\n[trust]\nopen = true\n"
        << "[store]\npath = \"" << directory_ << "/store\"\n[admin]\nlisten = \"127.0.0.1:0\"\n";
  }
  ~EngineCrash() override { std::filesystem::remove_all(directory_); }

  std::string directory_, config_;
};

TEST_F(EngineCrash, KeepsEveryRegistrationThatGotA200) {
  std::set<int> acknowledged;
  int next = 0;
  for (int round = 0; round < rounds; ++round) {
    {
      engine_process engine(config_);
      const std::uint16_t port = engine.port_after("udp:127.0.0.1:");
      ASSERT_NE(port, 0) << engine.log();
      const phone all(port);
      const std::size_t enough = acknowledged.size() + 300 + static_cast<std::size_t>(round) * 137;
      for (std::size_t i = 0; i < window; ++i, ++next) all.send_register(next, all.contact_of(next), 1);
      while (acknowledged.size() < enough) {
        const std::string response = all.receive();
        ASSERT_FALSE(response.empty()) << "the engine fell silent\n" << engine.log();
        const int user = user_of_200(response);
        ASSERT_GE(user, 0) << response;
        acknowledged.insert(user);
        all.send_register(next, all.contact_of(next), 1);
        ++next;
      }
      engine.kill();  // with a window full of REGISTERs under way
    }
    engine_process engine(config_);
    const phone asker(engine.port_after("udp:127.0.0.1:"));
    for (const int user : acknowledged) {
      asker.send_register(user, "", 100 + round);
      const std::string response = asker.receive();
      ASSERT_EQ(user_of_200(response), user) << response << engine.log();
      EXPECT_NE(response.find("<sip:u" + std::to_string(user) + "@"), std::string::npos)
          << "user " << user << " got a 200 before kill " << round << " and is gone\n"
          << response;
    }
  }
}

TEST_F(EngineCrash, KeepsThePushBucket) {
  const int user = 2;
  const std::string path = "/api/v1/subscribers/u2@example.com";
  {
    engine_process engine(config_);
    const phone all(engine.port_after("udp:127.0.0.1:"));
    all.send_register(user, all.contact_of(user), 1);
    ASSERT_EQ(user_of_200(all.receive()), user);
    all.send_invite(user);
    ASSERT_TRUE(all.receive().starts_with("SIP/2.0 100"));
    const std::uint16_t admin = engine.port_after("http://127.0.0.1:");
    std::string seen;
    for (int i = 0; i < 1000 && seen.find("remote_uri") == std::string::npos; ++i) seen = http_get(admin, path);
    ASSERT_NE(seen.find("\"remote_uri\":\"103\""), std::string::npos) << seen;
    engine.kill();
  }
  engine_process engine(config_);
  const std::string after = http_get(engine.port_after("http://127.0.0.1:"), path);
  EXPECT_NE(after.find("\"remote_uri\":\"103\""), std::string::npos) << after;
  EXPECT_NE(after.find("\"provider\":\"fcm\""), std::string::npos) << after;
}

}  // namespace
