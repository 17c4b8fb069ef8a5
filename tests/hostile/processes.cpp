#include "tests/hostile/processes.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "tests/hostile/udp_source.hpp"

namespace reveille::hostile {

namespace {
using namespace std::chrono_literals;
constexpr int start_polls = 200;
constexpr auto start_poll = 50ms;

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}
}  // namespace

program::program(const std::vector<std::string>& command, std::filesystem::path log, std::uint64_t descriptors)
    : log_(std::move(log)) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const std::string log_path = log_.string();
  const pid_t parent = ::getpid();
  child_ = ::fork();
  if (child_ < 0) throw std::runtime_error("fork failed");
  if (child_ != 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  const int out = ::open(log_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  if (out > STDERR_FILENO) ::close(out);
  if (descriptors != 0) {
    const rlimit limit{descriptors, descriptors};
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

program::~program() { kill(); }

std::optional<int> program::ended() {
  int status = 0;
  if (!status_ && ::waitpid(child_, &status, WNOHANG) == child_) status_ = status;
  return status_;
}

bool program::running() { return !ended(); }

void program::kill() {
  if (ended()) return;
  ::kill(child_, SIGKILL);
  int status = 0;
  ::waitpid(child_, &status, 0);
  status_ = status;
}

std::optional<std::string> program::wait_for(const std::string& words) {
  for (int i = 0; i < start_polls; ++i) {
    const std::string text = log();
    const std::size_t at = text.find(words);
    const std::size_t end = at == text.npos ? at : text.find_first_of(" \n", at + words.size());
    if (end != text.npos) return text.substr(at + words.size(), end - at - words.size());
    if (!running()) return std::nullopt;
    std::this_thread::sleep_for(start_poll);
  }
  return std::nullopt;
}

std::string program::log() const { return read_file(log_); }

std::string program::last_lines(std::size_t count) const {
  const std::string text = log();
  std::size_t at = text.size();
  for (std::size_t i = 0; i <= count && at != text.npos && at > 0; ++i) at = text.rfind('\n', at - 1);
  return at == text.npos ? text : text.substr(at);
}

std::string configuration(const std::filesystem::path& store, const std::string& mock_fragment, const setting& with) {
  std::map<std::string, std::string> sections = {
      {"node", "listen = [\"udp:127.0.0.1:0\"]\ndomains = [\"example.com\"]\nshards = 1\n"},
      {"trust", "open = true\n"},
      {"store", "path = \"" + store.string() + "\"\n"},
      {"admin", "listen = \"127.0.0.1:0\"\n"}};
  for (const auto& [section, lines] : with.lines) sections[section] += lines;
  std::string out;
  for (const auto& [section, lines] : sections) out += "[" + section + "]\n" + lines;
  return out + mock_fragment;
}

stand::stand(const place& where, const setting& with) : where_(where), store_(where.directory / "store") {
  const auto& home = where_.directory;
  std::filesystem::create_directories(store_);
  if (with.disk_megabytes != 0) {
    const std::string size = "size=" + std::to_string(with.disk_megabytes) + "m";
    mounted_ = ::mount("tmpfs", store_.c_str(), "tmpfs", 0, size.c_str()) == 0;
    if (!mounted_) throw std::runtime_error("no tmpfs may be mounted here");
    std::filesystem::create_directory(store_ / "db");
  }
  mock_.emplace(std::vector<std::string>{where_.mock_program, "--directory", (home / "mock").string(), "--apns-port", "0",
                                         "--sandbox-port", "0", "--fcm-port", "0", "--control-port", "0", "--quiet",
                                         "--delivery-median", "1", "--delivery-p99", "2"},
                home / "mock.log");
  const auto control = mock_->wait_for("control         ");
  if (!control) throw std::runtime_error("the mock did not start: " + mock_->last_lines(5));
  control_ = *control;
  fragment_ = read_file(home / "mock" / "providers.toml");
  std::ofstream(home / "engine.toml") << configuration(mounted_ ? store_ / "db" : store_, fragment_, with);
  engine_.emplace(std::vector<std::string>{where_.engine_program, "--config", (home / "engine.toml").string()},
                  home / "engine.log", with.descriptors);
  const auto admin = engine_->wait_for("admin API on http://");
  const auto sip = engine_->wait_for("listening on udp:");
  if (!sip || !admin) throw std::runtime_error("the engine did not start: " + engine_->last_lines(5));
  sip_ = *sip;
  admin_ = *admin;
}

stand::~stand() {
  engine_.reset();
  mock_.reset();
  if (mounted_) ::umount2(store_.c_str(), MNT_DETACH);
}

bool own_mounts() {
  return ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

std::string http(const std::string& address, const std::string& method, const std::string& path, const std::string& body,
                 const std::string& extra, int seconds) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval limit{seconds, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  const sockaddr_in to = loopback_address(address);
  std::string all;
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) {
    const bool names_host = extra.find("Host:") != extra.npos;
    const std::string text = method + " " + path + " HTTP/1.1\r\n" + (names_host ? "" : "Host: " + address + "\r\n") + extra +
                             "Connection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    char buffer[16384];
    for (ssize_t got; (got = ::recv(socket, buffer, sizeof buffer, 0)) > 0;) {
      all.append(buffer, static_cast<std::size_t>(got));
    }
  }
  ::close(socket);
  return all;
}

}  // namespace reveille::hostile
