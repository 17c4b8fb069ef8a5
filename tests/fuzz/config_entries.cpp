#include "config_entries.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>

#include "engine/config/load.hpp"

namespace reveille::fuzz {

void config_file(const std::uint8_t* data, std::size_t size) {
  const auto require = [](bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "property does not hold: %s\n", what);
    std::abort();
  };
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto loaded = config::load_text(text, "r.toml");
  if (!loaded) {
    require(!loaded.error().empty(), "a refusal has a reason");
    for (const config::fault& f : loaded.error()) require(!f.what.empty(), "a fault has words");
    return;
  }
  const std::string printed = config::effective_toml(*loaded);
  const auto again = config::load_text(printed, "printed.toml");
  require(again && config::effective_toml(*again) == printed, "what is in force reads back as itself");
}

}  // namespace reveille::fuzz
