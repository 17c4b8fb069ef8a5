/// The engine and the mock providers, as an operator starts them: fresh for each attack, on free ports of 127.0.0.1.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace reveille::hostile {

/// What an attack changes of the engine's configuration and of what the system grants it.
struct setting {
  std::map<std::string, std::string> lines = {};  ///< section -> "key = value" lines
  unsigned phone_expires = 3600;             ///< seconds that the honest phones ask for
  std::uint64_t descriptors = 0;             ///< RLIMIT_NOFILE of the engine; 0: as ours
  std::uint64_t disk_megabytes = 0;          ///< the store stands on a tmpfs of that size; 0: on the working directory's disk
};

/// A child whose output goes to a file. It dies with this object, at the latest.
class program {
 public:
  program(const std::vector<std::string>& command, std::filesystem::path log, std::uint64_t descriptors = 0);
  ~program();
  program(const program&) = delete;
  program& operator=(const program&) = delete;

  /// The first match of `words` followed by a text up to a blank or line end; waits ten seconds at most.
  std::optional<std::string> wait_for(const std::string& words);
  bool running();
  /// waitpid's status once it has ended.
  std::optional<int> ended();
  void kill();
  pid_t pid() const { return child_; }
  std::string log() const;
  std::string last_lines(std::size_t count) const;

 private:
  pid_t child_ = -1;
  std::optional<int> status_;
  std::filesystem::path log_;
};

/// Where the programs are, and where they may write.
struct place {
  std::string engine_program, mock_program;
  std::filesystem::path directory;
};

/// Engine and mock, running. @throws std::runtime_error with the last lines of the log of what did not start
class stand {
 public:
  stand(const place& where, const setting& with);
  ~stand();
  stand(const stand&) = delete;
  stand& operator=(const stand&) = delete;

  program& engine() { return *engine_; }
  const std::string& sip() const { return sip_; }          ///< "127.0.0.1:40000"
  const std::string& admin() const { return admin_; }      ///< likewise; HTTP
  const std::string& control() const { return control_; }  ///< of the mock
  const std::filesystem::path& store() const { return store_; }
  const place& where() const { return where_; }
  const std::string& mock_fragment() const { return fragment_; }

 private:
  place where_;
  std::filesystem::path store_;
  std::string fragment_;
  bool mounted_ = false;
  std::optional<program> mock_, engine_;
  std::string sip_, admin_, control_;
};

/// The engine's configuration as text.
std::string configuration(const std::filesystem::path& store, const std::string& mock_fragment, const setting& with);
/// A mount namespace of our own, so that a tmpfs vanishes with us. False where the system does not allow it.
/// @pre no thread runs yet
bool own_mounts();

/// One HTTP/1.1 request on a connection of its own, with `extra` header lines; "" when nothing came within `seconds`.
std::string http(const std::string& address, const std::string& method, const std::string& path,
                 const std::string& body = {}, const std::string& extra = {}, int seconds = 2);

}  // namespace reveille::hostile
