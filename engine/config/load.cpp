/// The only file that sees toml++: it takes seconds to compile.
#include "engine/config/load.hpp"

#include "engine/config/profiles.hpp"
#include "engine/config/schema.hpp"

#include <toml++/toml.h>

#include <fstream>
#include <map>
#include <sstream>

namespace reveille::config {
namespace {

struct place {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

place place_of(const toml::source_region& source) {
  return {source.begin.line, source.begin.column};
}

std::string_view name_of(toml::node_type type) {
  switch (type) {
    case toml::node_type::none: return "nothing";
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "an array";
    case toml::node_type::string: return "a text";
    case toml::node_type::integer: return "a whole number";
    case toml::node_type::floating_point: return "a number with a fraction";
    case toml::node_type::boolean: return "true or false";
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time: return "a date or time";
  }
  return "something else";
}

std::string at_text(const std::string& file, std::uint32_t line, std::uint32_t column) {
  return line == 0 ? file : file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

/// Levenshtein's distance; names are short.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, changed}));
    }
  }
  return row[b.size()];
}

/// " (did you mean `x`?)", or nothing when no known word is near.
std::string suggestion(std::string_view wrong, std::span<const std::string_view> known) {
  std::string_view best;
  std::size_t least = std::max<std::size_t>(2, wrong.size() / 3) + 1;
  for (const std::string_view word : known) {
    if (const std::size_t d = distance(wrong, word); d < least) {
      least = d;
      best = word;
    }
  }
  return best.empty() ? std::string() : " (did you mean `" + std::string(best) + "`?)";
}

/// Printable and short: what a configuration says may be anything.
std::string quoted(std::string_view text) {
  std::string out = "`";
  for (const char c : text.substr(0, 60)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return out + (text.size() > 60 ? "...`" : "`");
}

/// Fills the settings from a TOML tree, noting where each came from and all that is wrong with it.
class reader final : public schema_visitor {
 public:
  reader(const toml::table& root, std::string_view file) : file_(file) { frames_.push_back({&root, "", {}}); }

  void finish() { refuse_unknown_keys(); }
  faults take_faults() { return std::move(faults_); }
  place where(const std::string& path) const {
    // A setting that was not written is reported where its table is.
    for (std::string at = path; !at.empty();) {
      if (const auto found = places_.find(at); found != places_.end()) return found->second;
      const std::size_t cut = at.find_last_of(".[");
      at.resize(cut == std::string::npos ? 0 : cut);
    }
    return {};
  }
  std::map<std::string, std::string> written_at() const {
    std::map<std::string, std::string> out;
    for (const auto& [path, at] : places_) out[path] = at_text(file_, at.line, at.column);
    return out;
  }
  void add(place at, std::string what) { faults_.push_back({file_, at.line, at.column, std::move(what)}); }

  void open_table(std::string_view name, std::string_view) override {
    const toml::node* found = find(name);
    const toml::table* table = found != nullptr ? found->as_table() : nullptr;
    if (found != nullptr && table == nullptr) {
      wrong_type(*found, name, "a table: write [" + path_of(name) + "] on a line of its own");
    }
    frames_.push_back({table, path_of(name), {}});
  }
  void close_table() override {
    refuse_unknown_keys();
    frames_.pop_back();
  }

  std::size_t open_tables(std::string_view name, std::string_view, std::size_t) override {
    const toml::node* found = find(name);
    const toml::array* array = found != nullptr ? found->as_array() : nullptr;
    if (found != nullptr && (array == nullptr || !all_tables(*array))) {
      wrong_type(*found, name, "tables: write [[" + path_of(name) + "]] on a line of its own for each");
      array = nullptr;
    }
    arrays_.push_back({array, path_of(name)});
    return array != nullptr ? array->size() : 0;
  }
  void open_element(std::size_t index) override {
    const auto& [array, path] = arrays_.back();
    const toml::node& element = *array->get(index);
    frames_.push_back({element.as_table(), path + "[" + std::to_string(index) + "]", {}});
    places_[frames_.back().path] = place_of(element.source());
  }
  void close_element() override { close_table(); }
  void close_tables() override { arrays_.pop_back(); }

  void flag(const about& what, bool& set) override {
    const toml::node* found = find(what.name);
    if (found == nullptr) return;
    if (const auto value = found->value_exact<bool>()) {
      set = *value;
    } else {
      wrong_type(*found, what.name, "true or false");
    }
  }
  void number(const about& what, const number_range& allowed, std::uint64_t& set) override {
    const toml::node* found = find(what.name);
    if (found == nullptr) return;
    const auto value = found->value_exact<std::int64_t>();
    if (!value) return wrong_type(*found, what.name, "a whole number");
    if (*value < 0 || static_cast<std::uint64_t>(*value) < allowed.least ||
        static_cast<std::uint64_t>(*value) > allowed.most) {
      return out_of_range(*found, what.name, std::to_string(*value), std::to_string(allowed.least),
                          std::to_string(allowed.most));
    }
    set = static_cast<std::uint64_t>(*value);
  }
  void bytes(const about& what, const number_range& allowed, std::uint64_t& set) override {
    const toml::node* found = find(what.name);
    if (found == nullptr) return;
    const auto written = found->value_exact<std::string>();
    const auto value = written ? parse_bytes(*written) : std::nullopt;
    if (!value) return wrong_type(*found, what.name, "a size such as \"64MiB\" (KiB, MiB, GiB or octets, in quotes)");
    if (*value < allowed.least || *value > allowed.most) {
      return out_of_range(*found, what.name, *written, bytes_text(allowed.least), bytes_text(allowed.most));
    }
    set = *value;
  }
  void duration(const about& what, const duration_range& allowed, milliseconds& set) override {
    const toml::node* found = find(what.name);
    if (found == nullptr) return;
    const auto written = found->value_exact<std::string>();
    const auto value = written ? parse_duration(*written) : std::nullopt;
    if (!value) return wrong_type(*found, what.name, "a duration such as \"30s\" (ms, s, min, h or d, in quotes)");
    if (*value < allowed.least || *value > allowed.most) {
      return out_of_range(*found, what.name, *written, duration_text(allowed.least), duration_text(allowed.most));
    }
    if (value->count() % allowed.step.count() != 0) {
      return add(place_of(found->source()), path_of(what.name) + " is counted in whole units of " +
                                                duration_text(allowed.step) + ", " + quoted(*written) +
                                                " is between two");
    }
    set = *value;
  }
  void text(const about& what, text_kind, std::string& set) override {
    const toml::node* found = find(what.name);
    if (found == nullptr) return;
    if (auto value = found->value_exact<std::string>()) {
      set = std::move(*value);
    } else {
      wrong_type(*found, what.name, "a text in quotes");
    }
  }
  void texts(const about& what, text_kind, std::vector<std::string>& set) override {
    const toml::node* found = find(what.name);
    if (found == nullptr) return;
    const toml::array* array = found->as_array();
    if (array == nullptr) return wrong_type(*found, what.name, "a list of texts: [\"...\", \"...\"]");
    std::vector<std::string> values;
    for (const toml::node& element : *array) {
      places_[path_of(what.name) + "[" + std::to_string(values.size()) + "]"] = place_of(element.source());
      auto value = element.value_exact<std::string>();
      if (!value) return wrong_type(element, what.name, "a list of texts in quotes");
      values.push_back(std::move(*value));
    }
    set = std::move(values);
  }
  void choice(const about& what, std::span<const std::string_view> words, std::size_t& set) override {
    const toml::node* found = find(what.name);
    if (found == nullptr) return;
    const auto value = found->value_exact<std::string>();
    if (!value) return wrong_type(*found, what.name, "one of " + list(words) + ", in quotes");
    const auto word = std::find(words.begin(), words.end(), *value);
    if (word == words.end()) {
      return add(place_of(found->source()), path_of(what.name) + " must be one of " + list(words) + ", not " +
                                                quoted(*value) + suggestion(*value, words));
    }
    set = static_cast<std::size_t>(word - words.begin());
  }

 private:
  struct frame {
    const toml::table* table;  ///< null: not written, or not a table
    std::string path;
    std::vector<std::string_view> known;
  };

  static bool all_tables(const toml::array& array) {
    return std::all_of(array.begin(), array.end(), [](const toml::node& n) { return n.is_table(); });
  }
  static std::string list(std::span<const std::string_view> words) {
    std::string out;
    for (const std::string_view word : words) out += (out.empty() ? "\"" : ", \"") + std::string(word) + "\"";
    return out;
  }
  std::string path_of(std::string_view name) const {
    return frames_.back().path.empty() ? std::string(name) : frames_.back().path + "." + std::string(name);
  }
  const toml::node* find(std::string_view name) {
    frame& in = frames_.back();
    in.known.push_back(name);
    const toml::node* found = in.table != nullptr ? in.table->get(name) : nullptr;
    if (found != nullptr) places_[path_of(name)] = place_of(found->source());
    return found;
  }
  void wrong_type(const toml::node& found, std::string_view name, const std::string& wanted) {
    std::string got(name_of(found.type()));
    if (const auto text = found.value_exact<std::string>()) got = quoted(*text);
    add(place_of(found.source()), path_of(name) + " must be " + wanted + ", not " + got);
  }
  void out_of_range(const toml::node& found, std::string_view name, const std::string& value, const std::string& least,
                    const std::string& most) {
    add(place_of(found.source()), path_of(name) + " must be between " + least + " and " + most + ", not " + value);
  }
  void refuse_unknown_keys() {
    const frame& in = frames_.back();
    if (in.table == nullptr) return;
    for (const auto& [key, value] : *in.table) {
      if (std::find(in.known.begin(), in.known.end(), key.str()) != in.known.end()) continue;
      const place at = place_of(key.source().begin.line != 0 ? key.source() : value.source());
      add(at, "unknown key " + quoted(key.str()) + (in.path.empty() ? std::string() : " in [" + in.path + "]") +
                  suggestion(key.str(), in.known));
    }
  }

  std::string file_;
  faults faults_;
  std::vector<frame> frames_;
  std::vector<std::pair<const toml::array*, std::string>> arrays_;
  std::map<std::string, place> places_;
};

void sort_by_place(faults& all) {
  std::stable_sort(all.begin(), all.end(), [](const fault& a, const fault& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
}

}  // namespace

std::string fault::text() const {
  return at_text(file, line, column) + ": " + what;
}

std::string settings::setting_text(const std::string& path) const {
  const auto found = written_at.find(path);
  return found == written_at.end() ? path : found->second + ": " + path;
}

result<settings, faults> load_text(std::string_view text, std::string_view file) {
  toml::table root;
  try {
    root = toml::parse(text, file);
  } catch (const toml::parse_error& problem) {
    const place at = place_of(problem.source());
    return tl::unexpected(faults{{std::string(file), at.line, at.column, std::string(problem.description())}});
  }
  settings s;
  reader read(root, file);
  visit_schema(read, s);
  read.finish();
  for (violation& v : validate(s, file_check::must_be_readable)) {
    read.add(read.where(v.path), v.path + " " + v.what);
  }
  s.written_at = read.written_at();
  faults found = read.take_faults();
  sort_by_place(found);
  faults templates = check_profiles(s);
  std::move(templates.begin(), templates.end(), std::back_inserter(found));
  if (found.empty()) return s;
  return tl::unexpected(std::move(found));
}

result<settings, faults> load_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf())) {
    return tl::unexpected(
        faults{{path, 0, 0, "cannot be read; `reveille --print-default-config` prints one to start from"}});
  }
  return load_text(text.str(), path);
}

}  // namespace reveille::config
