#include "engine/store/acknowledged_mark.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string_view>
#include <utility>

#include "core/hash.hpp"

namespace reveille {

namespace {

constexpr std::uint64_t magic = 0x314b52414d4c5652U;  // "RVLMARK1", little-endian
using words = std::array<std::uint64_t, 6>;            // magic, sequence, at, opened, from, checksum

std::string path_in(const std::string& directory) { return directory + "/acknowledged"; }

std::uint64_t checksum(const words& of) {
  return siphash({}, {reinterpret_cast<const char*>(of.data()), (of.size() - 1) * sizeof of[0]});
}

std::uint64_t in_ms(wall_time t) { return static_cast<std::uint64_t>(t.time_since_epoch().count()); }
wall_time from_ms(std::uint64_t n) { return wall_time(milliseconds(static_cast<std::int64_t>(n))); }

}  // namespace

std::optional<acknowledged> acknowledged_mark::read(const std::string& directory) {
  const int file = ::open(path_in(directory).c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  words found{};
  const ssize_t got = ::pread(file, found.data(), sizeof found, 0);
  ::close(file);
  if (got != static_cast<ssize_t>(sizeof found) || found[0] != magic || found.back() != checksum(found)) {
    return std::nullopt;
  }
  return acknowledged{found[1], from_ms(found[2]), from_ms(found[3]), found[4]};
}

acknowledged_mark::acknowledged_mark(const std::string& directory)
    : file_(::open(path_in(directory).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR)) {}

acknowledged_mark::~acknowledged_mark() {
  if (file_ >= 0) ::close(file_);
}
acknowledged_mark::acknowledged_mark(acknowledged_mark&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
acknowledged_mark& acknowledged_mark::operator=(acknowledged_mark&& other) noexcept {
  std::swap(file_, other.file_);
  return *this;
}

bool acknowledged_mark::write(const acknowledged& reached) {
  words out{magic, reached.sequence, in_ms(reached.at), in_ms(reached.opened), reached.from, 0};
  out.back() = checksum(out);
  return file_ >= 0 && ::pwrite(file_, out.data(), sizeof out, 0) == static_cast<ssize_t>(sizeof out);
}

}  // namespace reveille
