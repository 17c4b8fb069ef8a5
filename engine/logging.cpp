#include "engine/logging.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string_view>

namespace reveille {

namespace {

/// %* in a pattern: the message as the inside of a JSON string (RFC 8259 7).
class json_text final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& msg, const std::tm&, spdlog::memory_buf_t& out) override {
    static constexpr char hex[] = "0123456789abcdef";
    for (const char c : std::string_view(msg.payload.data(), msg.payload.size())) {
      const auto octet = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        out.push_back('\\');
        out.push_back(c);
      } else if (octet < 0x20) {
        for (const char e : {'\\', 'u', '0', '0', hex[octet >> 4], hex[octet & 15]}) out.push_back(e);
      } else {
        out.push_back(c);
      }
    }
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<json_text>(); }
};

spdlog::level::level_enum level_of(config::log_level l) {
  switch (l) {
    case config::log_level::debug: return spdlog::level::debug;
    case config::log_level::info: return spdlog::level::info;
    case config::log_level::warning: return spdlog::level::warn;
    case config::log_level::error: return spdlog::level::err;
  }
  std::abort();  // unreachable: the switch is complete
}

}  // namespace

result<bool> set_up_logging(const config::logging& wanted) {
  spdlog::sink_ptr sink;
  try {
    if (wanted.file.empty()) {
      sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
    } else {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(wanted.file);
    }
  } catch (const spdlog::spdlog_ex& e) {
    return failure("cannot log to " + wanted.file + ": " + e.what());
  }
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<json_text>('*');
  formatter->set_pattern(wanted.format == config::log_format::json
                             ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","message":"%*"})"
                             : "%Y-%m-%d %H:%M:%S.%e %^%-7l%$ %v");
  sink->set_formatter(std::move(formatter));
  auto logger = std::make_shared<spdlog::logger>("reveille", std::move(sink));
  logger->set_level(level_of(wanted.level));
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
  return true;
}

}  // namespace reveille
