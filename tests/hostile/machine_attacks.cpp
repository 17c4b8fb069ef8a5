// A machine that runs out: of descriptors, of disk.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "tests/hostile/attack.hpp"
#include "tests/hostile/sip_requests.hpp"

namespace reveille::hostile {

namespace {
using namespace std::chrono_literals;

/// Starts further engines with ever fewer descriptors: each serves, or ends with a line that says what was missing.
void start_with_few(assault& a) {
  for (const std::uint64_t limit : {64U, 40U, 32U, 24U, 16U, 10U}) {
    const auto home = a.at().where().directory / ("few" + std::to_string(limit));
    std::filesystem::create_directories(home / "store");
    std::ofstream(home / "engine.toml") << configuration(home / "store", a.at().mock_fragment(), {});
    program engine({a.at().where().engine_program, "--config", (home / "engine.toml").string()}, home / "engine.log", limit);
    a.count();
    for (int i = 0; i < 20 && engine.running() && engine.log().find("ready") == std::string::npos; ++i) a.pause(50ms);
    const auto status = engine.ended();
    if (status && WIFSIGNALED(*status)) a.harm("starts that ended with a signal");
    if (status && engine.log().empty()) a.harm("starts that ended without a word");
  }
}

/// The running engine has few: connections to its admin port take what is left, while strangers register.
void use_up_descriptors(assault& a) {
  start_with_few(a);
  udp_source& s = a.open("127.0.0.2");
  const sockaddr_in to = loopback_address(a.at().admin());
  std::vector<int> held;
  for (std::uint32_t n = 0; a.next(50); ++n) {
    if (held.size() < 200) {
      held.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      ::connect(held.back(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
      a.count();
    }
    const std::string user = "late" + std::to_string(n);
    s.send(register_text(s.local(), user, "Contact: <sip:" + user + "@" + s.local() + ">;expires=3600\r\n", "late-" + user, 1));
  }
  for (const int socket : held) ::close(socket);
}

/// The store's log is allocated ahead: only octets by the megabyte reach the end of what it has.
constexpr std::size_t long_contact = 2000;

/// Fills what is left of the store's disk, keeps it full while phones register anew, and gives it back.
void fill_disk(assault& a) {
  const auto filler = a.at().store() / "filler";
  udp_source& s = a.open("127.0.0.2");
  const int file = ::open(filler.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const std::string octets(65536, 'f');
  std::uint64_t refused = 0;
  a.on_answer([&](std::string_view bytes) { refused += bytes.starts_with("SIP/2.0 503"); });
  for (std::uint32_t n = 0; a.next(1000); ++n) {
    // Whatever the engine frees is taken at once.
    for (std::size_t size = octets.size(); size > 0;) {
      if (::write(file, octets.data(), size) <= 0) size /= 2;
    }
    const std::string user = "full" + std::to_string(n);
    s.send(register_text(s.local(), user,
                         "Contact: <sip:" + user + "@" + s.local() + ";x=" + std::string(long_contact, 'y') + fcm_parameters(user) +
                             ">;expires=3600\r\n",
                         "full-" + user, 1));
  }
  a.on_answer({});
  ::close(file);
  std::error_code ignored;
  std::filesystem::remove(filler, ignored);
  a.remark(std::to_string(refused) + " new registrations got 503 while the disk was full");
}

const attack all[] = {
    {.name = "descriptors", .what = "96 descriptors for the engine, 200 connections; starts with 64 down to 10",
     .with = {.descriptors = 96}, .run = use_up_descriptors},
    {.name = "disk-full", .what = "the store's file system is full (tmpfs of 48 MB)",
     .with = {.lines = {{"store", "memtable = \"4MiB\"\n"}}, .disk_megabytes = 48}, .run = fill_disk},
};

}  // namespace

std::span<const attack> machine_attacks() { return all; }

}  // namespace reveille::hostile
