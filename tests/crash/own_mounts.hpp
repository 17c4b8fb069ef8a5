/// File systems that a test may fill, break and take away: in a mount namespace of the test's own, so nothing is left
/// behind and nobody else sees them.
#pragma once

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace reveille::store_testing {

/// Once, before the process has threads. @return false: this user may not mount, here
inline bool may_mount() {
  static const bool may = [] {
    const auto user = std::to_string(::getuid());
    const auto group = std::to_string(::getgid());
    if (::unshare(CLONE_NEWNS) != 0) {
      if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
      std::ofstream("/proc/self/setgroups") << "deny";
      std::ofstream("/proc/self/uid_map") << "0 " + user + " 1";
      std::ofstream("/proc/self/gid_map") << "0 " + group + " 1";
    }
    return ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  }();
  return may;
}

/// A file system in memory. @param bytes what it holds
inline bool mount_memory(const std::string& at, std::size_t bytes) {
  return ::mount("reveille-test", at.c_str(), "tmpfs", 0, ("size=" + std::to_string(bytes)).c_str()) == 0;
}
/// As `umount -l`: the name is gone at once, open files go on.
inline bool take_away(const std::string& at) { return ::umount2(at.c_str(), MNT_DETACH) == 0; }

/// A real ext4 in a file, which the kernel makes read-only at its first error. Gone with the object.
class ext4_disk {
 public:
  ext4_disk(std::string image, std::string at, std::size_t bytes) : image_(std::move(image)), at_(std::move(at)) {
    { std::ofstream make(image_); }
    mounted_ = ::truncate(image_.c_str(), static_cast<off_t>(bytes)) == 0 && run("mkfs.ext4 -q -F '" + image_ + "'") &&
               run("mount -o loop,errors=remount-ro '" + image_ + "' '" + at_ + "'");
  }
  ~ext4_disk() {
    unmount();
    ::unlink(image_.c_str());
  }
  ext4_disk(const ext4_disk&) = delete;
  ext4_disk& operator=(const ext4_disk&) = delete;

  bool mounted() const { return mounted_; }
  void unmount() {
    if (mounted_) run("umount '" + at_ + "'");
    mounted_ = false;
  }
  /// As an operator does it after an error.
  bool check_and_mount() {
    unmount();
    run("fsck.ext4 -fy '" + image_ + "'");
    return mounted_ = run("mount -o loop,errors=remount-ro '" + image_ + "' '" + at_ + "'");
  }
  /// An error of the file system, as a bad block gives it. @return false: this kernel cannot be asked for one
  bool break_it() const {
    std::ifstream mounts("/proc/self/mounts");
    for (std::string device, at, rest; mounts >> device >> at && std::getline(mounts, rest);) {
      if (at != at_) continue;
      std::ofstream trigger("/sys/fs/ext4/" + device.substr(device.rfind('/') + 1) + "/trigger_fs_error");
      return static_cast<bool>(trigger << "1" << std::flush);
    }
    return false;
  }

 private:
  static bool run(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()) == 0; }

  std::string image_, at_;
  bool mounted_ = false;
};

/// Takes all that is left of a disk.
class ballast {
 public:
  explicit ballast(std::string path) : path_(std::move(path)) { fill(); }
  ~ballast() { ::unlink(path_.c_str()); }
  ballast(const ballast&) = delete;
  ballast& operator=(const ballast&) = delete;

  void fill() {
    std::ofstream out(path_, std::ios::binary | std::ios::app);
    const std::string block(4096, 'b');
    while (out.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }

 private:
  std::string path_;
};

}  // namespace reveille::store_testing
