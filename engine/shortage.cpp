#include "engine/shortage.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <system_error>

namespace reveille {
namespace {

std::string limit_text(int resource, rlim_t unit = 1) {
  rlimit now{};
  if (::getrlimit(static_cast<__rlimit_resource_t>(resource), &now) != 0) return "unknown";
  return now.rlim_cur == RLIM_INFINITY ? "unlimited" : std::to_string(now.rlim_cur / unit);
}

std::string more_descriptors() { return "raise LimitNOFILE in the unit (ulimit -n, now " + limit_text(RLIMIT_NOFILE) + ")"; }
std::string more_memory() {
  return "give it more: MemoryMax and LimitAS in the unit (ulimit -v, now " + limit_text(RLIMIT_AS, 1024) +
         " KiB); or set node.shards, limits.resident_subscribers, limits.pool_bytes and store.cache lower";
}
std::string more_threads() {
  return "raise TasksMax or LimitNPROC in the unit (ulimit -u, now " + limit_text(RLIMIT_NPROC) +
         "), or LimitAS (ulimit -v, now " + limit_text(RLIMIT_AS, 1024) + " KiB): each thread wants 8 MiB of address space";
}
std::string remedy_for(int number) {
  switch (number) {
    case EMFILE: return more_descriptors();
    case ENFILE: return "the machine has none left: raise fs.file-max";
    case ENOMEM: return more_memory();
    case EADDRINUSE: return "another process has it: stop that one, or change the address in the configuration";
    case EADDRNOTAVAIL: return "no interface of this machine has that address";
    case EACCES: return "user id " + std::to_string(::geteuid()) + " may not: change the owner, or the user of the unit";
    case ENOSPC: return "free some space there";
    case EROFS: return "it must be writable";
    default: return {};
  }
}

}  // namespace

std::string with_remedy(std::string what) {
  // What libraries hand on is text only, so it is the system's own words that are looked for.
  if (what.find("LOCK") != std::string::npos && what.find(std::generic_category().message(EAGAIN)) != std::string::npos) {
    return what + "; another process has the store open";
  }
  for (const int number : {EMFILE, ENFILE, ENOMEM, EADDRINUSE, EADDRNOTAVAIL, EACCES, ENOSPC, EROFS}) {
    if (what.find(std::generic_category().message(number)) != std::string::npos) return what + "; " + remedy_for(number);
  }
  return what;
}

std::string shortage_text(const std::exception& of) {
  if (dynamic_cast<const std::bad_alloc*>(&of) != nullptr) return "not enough memory; " + more_memory();
  const auto* system = dynamic_cast<const std::system_error*>(&of);
  if (system != nullptr && system->code().value() == EAGAIN) {
    return "cannot make a thread: " + system->code().message() + "; " + more_threads();
  }
  return with_remedy(of.what());
}

}  // namespace reveille
