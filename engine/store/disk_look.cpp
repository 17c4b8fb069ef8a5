#include "engine/store/disk_look.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace reveille {

std::optional<int> write_refused(const std::string& directory) {
  const std::string path = directory + "/probe";
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0) return errno;
  const std::string content(std::size_t{256} << 10, 'p');
  std::optional<int> refused;
  std::size_t done = 0;
  while (!refused && done < content.size()) {
    const ssize_t wrote = ::write(file, content.data() + done, content.size() - done);
    if (wrote > 0) {
      done += static_cast<std::size_t>(wrote);
    } else if (wrote == 0 || errno != EINTR) {
      refused = wrote == 0 ? ENOSPC : errno;
    }
  }
  if (!refused && ::fsync(file) != 0) refused = errno;
  ::close(file);
  ::unlink(path.c_str());
  return refused;
}

std::optional<file_identity> identity_of(const std::string& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) return std::nullopt;
  return file_identity{found.st_dev, found.st_ino};
}

bool in_use_elsewhere(const std::string& directory) {
  const int file = ::open((directory + "/LOCK").c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  const bool held = ::fcntl(file, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  ::close(file);
  return held;
}

}  // namespace reveille
