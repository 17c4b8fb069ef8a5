#include "engine/config/load.hpp"
#include "engine/config/schema.hpp"

namespace reveille::config {
namespace {

std::string toml_string(std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (octet < 0x20 || octet == 0x7f) {
      out += "\\u00";
      out += hex[octet >> 4];
      out += hex[octet & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string toml_list(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) out += (out.size() > 1 ? ", " : "") + toml_string(text);
  return out + "]";
}

std::string alternatives(std::span<const std::string_view> words) {
  std::string out;
  for (const std::string_view word : words) out += (out.empty() ? "" : " | ") + std::string(word);
  return out;
}

std::string_view word_for(text_kind kind) {
  switch (kind) {
    case text_kind::plain: return "text";
    case text_kind::optional_plain: return "text, may be empty";
    case text_kind::profile_name: return "1 to 32 of a-z, 0-9, _ and -";
    case text_kind::property: return "NAME=VALUE";
    case text_kind::identifier: return "ten letters and digits, may be empty";
    case text_kind::optional_url: return "https://HOST[:PORT], may be empty";
    case text_kind::input_file: return "file, may be empty";
    case text_kind::required_file: return "file";
    case text_kind::directory: return "directory";
    case text_kind::listen: return "udp:ADDRESS:PORT";
    case text_kind::endpoint: return "ADDRESS:PORT, may be empty";
    case text_kind::url: return "https://HOST[:PORT]";
    case text_kind::proxy_url: return "http://HOST:PORT, may be empty";
    case text_kind::gateway_url: return "https:// or http://HOST[:PORT][/PATH], may be empty";
    case text_kind::token_url: return "https://HOST[:PORT]/PATH, may be empty";
    case text_kind::domain: return "domain";
    case text_kind::address: return "ADDRESS";
    case text_kind::host: return "HOST[:PORT], may be empty";
  }
  return "text";
}

/// One visit for all that is printed: each setting becomes a name, a value as TOML, what is allowed, and the help.
class printer : public schema_visitor {
 public:
  std::string take() { return std::move(out_); }

  void open_table(std::string_view name, std::string_view help) override {
    path_ = name;
    table(path_, help, false);
  }
  void close_table() override {}
  std::size_t open_tables(std::string_view name, std::string_view help, std::size_t present) override {
    outer_ = path_;
    path_ += "." + std::string(name);
    help_ = help;
    return elements(present);
  }
  void open_element(std::size_t) override { table(path_, help_, true); }
  void close_element() override {}
  void close_tables() override { path_ = outer_; }

  void flag(const about& what, bool& set) override { setting(what, set ? "true" : "false", "true | false"); }
  void number(const about& what, const number_range& allowed, std::uint64_t& set) override {
    setting(what, std::to_string(set), std::to_string(allowed.least) + " to " + std::to_string(allowed.most));
  }
  void bytes(const about& what, const number_range& allowed, std::uint64_t& set) override {
    setting(what, toml_string(bytes_text(set)), bytes_text(allowed.least) + " to " + bytes_text(allowed.most));
  }
  void duration(const about& what, const duration_range& allowed, milliseconds& set) override {
    setting(what, toml_string(duration_text(set)), duration_text(allowed.least) + " to " + duration_text(allowed.most));
  }
  void text(const about& what, text_kind kind, std::string& set) override {
    setting(what, toml_string(set), std::string(word_for(kind)));
  }
  void texts(const about& what, text_kind kind, std::vector<std::string>& set) override {
    setting(what, toml_list(set), "list of " + std::string(word_for(kind)));
  }
  void choice(const about& what, std::span<const std::string_view> words, std::size_t& set) override {
    setting(what, toml_string(words[set]), alternatives(words));
  }

 protected:
  virtual std::size_t elements(std::size_t present) = 0;
  virtual void table(const std::string& path, std::string_view help, bool repeated) = 0;
  virtual void setting(const about& what, const std::string& value, const std::string& allowed) = 0;

  std::string out_;

 private:
  std::string path_, outer_;
  std::string_view help_;
};

/// Words wrapped at 110 columns, each line after `prefix`.
void append_wrapped(std::string& out, std::string_view prefix, std::string_view text) {
  std::size_t column = 0;
  while (!text.empty()) {
    const std::size_t size = std::min(text.find(' '), text.size());
    if (column != 0 && column + size > 108) {
      out += '\n';
      column = 0;
    }
    if (column == 0) out += prefix;
    if (column != 0) out += ' ';
    out += text.substr(0, size);
    column += size + 1;
    text.remove_prefix(std::min(size + 1, text.size()));
  }
  out += '\n';
}

class default_printer final : public printer {
 protected:
  std::size_t elements(std::size_t) override { return 1; }  // shown once, commented out
  void table(const std::string& path, std::string_view help, bool repeated) override {
    example_ = repeated;
    out_ += '\n';
    append_wrapped(out_, "# ", help);
    out_ += repeated ? "#[[" + path + "]]\n" : "[" + path + "]\n";
  }
  void setting(const about& what, const std::string& value, const std::string& allowed) override {
    append_wrapped(out_, "# ", what.help);
    append_wrapped(out_, "# ", "(" + allowed + ")");
    // What has no default is left for the operator, so that the file says what is missing.
    out_ += (example_ ? "#" : "") + std::string(what.name) + " = " + value + "\n";
  }

 private:
  bool example_ = false;
};

class effective_printer final : public printer {
 protected:
  std::size_t elements(std::size_t present) override { return present; }
  void table(const std::string& path, std::string_view, bool repeated) override {
    if (!out_.empty()) out_ += '\n';
    out_ += repeated ? "[[" + path + "]]\n" : "[" + path + "]\n";
  }
  void setting(const about& what, const std::string& value, const std::string&) override {
    out_ += std::string(what.name) + " = " + value + "\n";
  }
};

class reference_printer final : public printer {
 protected:
  std::size_t elements(std::size_t) override { return 1; }
  void table(const std::string& path, std::string_view help, bool repeated) override {
    out_ += "\n## " + (repeated ? "[[" + path + "]]" : "[" + path + "]") + "\n\n" + std::string(help) + "\n";
    first_ = true;
  }
  void setting(const about& what, const std::string& value, const std::string& allowed) override {
    // A table of tables alone has no settings to list.
    if (std::exchange(first_, false)) {
      out_ += "\nScope: " + std::string(name_of(what.whose)) + ".\n\n| setting | default | allowed | change | |\n|---|---|---|---|---|\n";
    }
    out_ +=
        "| `" + std::string(what.name) + "` | `" + value + "` | " + cell(allowed) + " | " + std::string(name_of(what.acts)) +
            " | " + cell(what.help) + " |\n";
  }

 private:
  bool first_ = false;
  static std::string cell(std::string_view text) {
    std::string out;
    for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
    return out;
  }
};

settings with_examples() {
  settings s;
  s.profiles.resize(1);
  s.apns.apps.resize(1);
  s.fcm.apps.resize(1);
  return s;
}

}  // namespace

std::string default_toml() {
  settings s = with_examples();
  default_printer print;
  visit_schema(print, s);
  return "# Reveille's configuration: every setting with its default.\n# node.domains and trust.open must be set, all "
         "else may be left as it is or left out.\n" +
         print.take();
}

std::string effective_toml(const settings& s) {
  settings copy = s;
  effective_printer print;
  visit_schema(print, copy);
  return print.take();
}

std::string reference_markdown() {
  settings s = with_examples();
  reference_printer print;
  visit_schema(print, s);
  return "# Configuration\n\n"
         "The engine reads one TOML file: `reveille --config FILE`. `reveille --check-config --config FILE` reports "
         "every\n"
         "mistake with its line and column; `reveille --print-default-config` prints a file to start from. This page "
         "is\n"
         "printed by the program itself. Durations and sizes are texts with a unit: `\"30s\"`, `\"64MiB\"`. "
         "Credentials are\n"
         "files; only their paths are ever shown. The file is read at start; settings whose change is `live` may be replaced between\n"
         "two events, those whose change is `restart` are built into sockets, threads and tables.\n" +
         print.take();
}

}  // namespace reveille::config
