#include "engine/node_secret.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace reveille {

namespace {

constexpr std::size_t secret_bytes = 32;
using octets = std::array<std::uint8_t, secret_bytes>;

config::node_keys secret_of(const octets& bytes) {
  std::array<std::uint64_t, 4> words{};
  std::memcpy(words.data(), bytes.data(), sizeof words);
  return {{words[0], words[1]}, {words[2], words[3]}};
}

struct descriptor {
  int fd;
  ~descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

auto trouble(const std::string& what, const std::string& path) {
  return failure("cannot " + what + " " + path + ": " + std::generic_category().message(errno));
}

}  // namespace

config::node_keys make_secret(random_source& random) {
  octets bytes{};
  random.fill(bytes);
  return secret_of(bytes);
}

result<config::node_keys> load_or_make_secret(const std::string& directory, random_source& random) {
  std::error_code problem;
  std::filesystem::create_directories(directory, problem);
  if (problem) return failure("cannot make the directory " + directory + ": " + problem.message());
  const std::string path = directory + "/node.secret";

  octets bytes{};
  const descriptor there{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (there.fd >= 0) {
    if (::read(there.fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
      return failure(path + " does not hold " + std::to_string(secret_bytes) + " octets: remove it to have a new one made");
    }
    return secret_of(bytes);
  }
  if (errno != ENOENT) return trouble("read", path);

  random.fill(bytes);
  // Under another name first: half a secret must never be found at the next start.
  const std::string fresh = path + ".new";
  {
    const descriptor made{::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR)};
    if (made.fd < 0) return trouble("make", fresh);
    if (::write(made.fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()) || ::fsync(made.fd) != 0) {
      return trouble("write", fresh);
    }
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) return trouble("rename", fresh);
  return secret_of(bytes);
}

}  // namespace reveille
