/// The one description of all settings. What reads, prints, documents or checks a configuration visits it, so none
/// of them can know a setting that the others do not.
#pragma once

#include "engine/config/config.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reveille::config {

/// Whose a setting is.
enum class scope : std::uint8_t { node, provider, app };
/// When a change of it acts: `live` ones are read from a snapshot that may be replaced between two events (SPEC 8), the
/// others when the engine starts.
enum class change : std::uint8_t { restart, live };
std::string_view name_of(scope whose);
std::string_view name_of(change acts);

/// What is said about one setting.
struct about {
  std::string_view name;  ///< the key within its table
  std::string_view help;  ///< what it does and why the default is what it is; whole sentences
  scope whose = scope::node;
  change acts = change::restart;
};

struct number_range {
  std::uint64_t least = 0;
  std::uint64_t most = 0;
};
struct duration_range {
  milliseconds least{0};
  milliseconds most{0};
  milliseconds step{1};  ///< values are whole multiples of it
};

/// What a text setting holds, which decides how it is checked.
enum class text_kind : std::uint8_t {
  plain,           ///< anything, but not nothing
  optional_plain,  ///< anything
  profile_name,    ///< 1 to 32 of a-z, 0-9, '_' and '-'
  property,        ///< NAME=VALUE
  identifier,      ///< Apple's ten letters and digits; empty = none
  input_file,      ///< a readable file; empty = none
  required_file,
  directory,
  listen,     ///< udp:ADDRESS:PORT
  endpoint,   ///< ADDRESS:PORT; empty = none
  url,        ///< https://HOST:PORT, http too for what listens on loopback
  optional_url, ///< the same, or empty = none
  proxy_url,    ///< http://HOST:PORT; empty = none
  gateway_url,  ///< https:// or http://HOST[:PORT][/PATH]; empty = none
  token_url,  ///< https://HOST[:PORT]/PATH; empty = none
  domain,
  address,  ///< an address, without a port
  host,     ///< HOST or HOST:PORT; empty = none
};

/// Visits the settings in the order of the file. Every `set` is the setting itself: a reader assigns to it, a printer
/// reads it.
class schema_visitor {
 public:
  virtual ~schema_visitor() = default;

  virtual void open_table(std::string_view name, std::string_view help) = 0;
  virtual void close_table() = 0;
  /// An array of tables. @return how many elements there are to visit; `present` is what the settings hold now.
  virtual std::size_t open_tables(std::string_view name, std::string_view help, std::size_t present) = 0;
  virtual void open_element(std::size_t index) = 0;
  virtual void close_element() = 0;
  virtual void close_tables() = 0;

  virtual void flag(const about& what, bool& set) = 0;
  virtual void number(const about& what, const number_range& allowed, std::uint64_t& set) = 0;
  virtual void bytes(const about& what, const number_range& allowed, std::uint64_t& set) = 0;
  virtual void duration(const about& what, const duration_range& allowed, milliseconds& set) = 0;
  virtual void text(const about& what, text_kind kind, std::string& set) = 0;
  virtual void texts(const about& what, text_kind kind, std::vector<std::string>& set) = 0;
  /// `words[set]` is the value.
  virtual void choice(const about& what, std::span<const std::string_view> words, std::size_t& set) = 0;
};

/// Walks all settings. For printing pass a copy.
void visit_schema(schema_visitor& visitor, settings& s);

/// "30s", "250ms", "5min", "2h", "30d" (the largest unit that divides).
std::string duration_text(milliseconds value);
/// "64MiB", "1GiB", "512".
std::string bytes_text(std::uint64_t value);
/// The reverse of the two; nullopt for what is not of that form or overflows.
std::optional<milliseconds> parse_duration(std::string_view text);
std::optional<std::uint64_t> parse_bytes(std::string_view text);

}  // namespace reveille::config
