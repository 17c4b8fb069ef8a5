#include "simulator/load/options.hpp"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

namespace reveille::load {
namespace {

/// Parses as the program does; the message of what was refused, "" when nothing was.
std::string parse(load_options& into, std::vector<std::string> words) {
  CLI::App app;
  add_options(app, into);
  words.insert(words.end(), {"--engine", "127.0.0.1:5060"});
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
  try {
    app.parse(words);
  } catch (const CLI::ParseError& e) {
    return std::string(e.what()).empty() ? e.get_name() : e.what();
  }
  return into.validate();
}

TEST(LoadOptions, TakeABareNumberAsSeconds) {
  load_options o;
  ASSERT_EQ(parse(o, {"--calls-per-second", "3", "--duration", "60", "--grace", "0.5"}), "");
  EXPECT_EQ(o.duration, seconds(60));
  EXPECT_EQ(o.grace, milliseconds(500));
}

TEST(LoadOptions, ReadsEveryOption) {
  load_options o;
  ASSERT_EQ(parse(o, {"--subscribers", "100000", "--calls-per-second", "300", "--duration", "60s", "--never-wake", "0.01",
                      "--caller-hangs-up", "0.04", "--nobody-answers", "0.06", "--wake-delay", "uniform:1s..2s", "--moves",
                      "0.2", "--registers-per-wake", "2..3", "--answer-delay", "500ms", "--hang-up-delay", "1s", "--talk-time",
                      "2s", "--register-gap", "5ms", "--ring-time", "12s", "--seed", "7", "--arrivals", "constant", "--phones",
                      "android:1,linphone:3", "--domain", "voice.example", "--expires", "60", "--registration-window", "9",
                      "--register-rate", "1000", "--no-register", "--first-subscriber", "5", "--settle", "3s", "--grace", "1s",
                      "--pushes-per-call", "2", "--providers-silent", "20s..1m", "--missed-calls-on-voip-token", "skip", "--allow-fcm-repeats", "--addresses",
                      "127.0.0.5,127.0.0.6", "--sockets", "10", "--caller-sockets", "3", "--apple-team", "T", "--apple-bundle",
                      "b.c", "--firebase-project", "p", "--pushes-from", "127.0.0.1:1", "--run-tag", "abc", "--engine-pid", "12",
                      "--metrics-of-engine", "http://127.0.0.1:9/metrics", "--engine-histogram", "h", "--json", "a.json",
                      "--report", "b.html", "--metrics-listen", "127.0.0.1:0", "--quiet", "--threshold",
                      "p99(register_to_invite)<2ms", "--threshold", "share(answered)>=0.5"}),
            "");
  EXPECT_EQ(o.subscribers, 100000U);
  EXPECT_EQ(o.calls_per_second, 300);
  EXPECT_EQ(o.duration, seconds(60));
  EXPECT_EQ(o.never_wake, 0.01);
  EXPECT_EQ(o.caller_hangs_up, 0.04);
  EXPECT_EQ(o.nobody_answers, 0.06);
  EXPECT_EQ(o.wake_delay.text(), "uniform:1s..2s");
  EXPECT_EQ(o.answer_delay.text(), "500ms");
  EXPECT_EQ(o.hang_up_delay.text(), "1s");
  EXPECT_EQ(o.talk_time.text(), "2s");
  EXPECT_EQ(o.register_gap.text(), "5ms");
  EXPECT_EQ(o.moves, 0.2);
  EXPECT_EQ(o.registers_per_wake_min, 2U);
  EXPECT_EQ(o.registers_per_wake_max, 3U);
  EXPECT_EQ(o.ring_time, seconds(12));
  EXPECT_EQ(o.seed, 7U);
  EXPECT_EQ(o.arrive, arrivals::constant);
  EXPECT_EQ(o.phones.android, 1U);
  EXPECT_EQ(o.phones.iphone, 0U);
  EXPECT_EQ(o.phones.linphone, 3U);
  EXPECT_EQ(o.domain, "voice.example");
  EXPECT_EQ(o.expires_seconds, 60U);
  EXPECT_EQ(o.registration_window, 9U);
  EXPECT_EQ(o.register_rate, 1000);
  EXPECT_FALSE(o.register_first);
  EXPECT_EQ(o.first_subscriber, 5U);
  EXPECT_EQ(o.settle_time, seconds(3));
  EXPECT_EQ(o.grace, seconds(1));
  EXPECT_EQ(o.pushes_per_call, 2U);
  EXPECT_EQ(o.on_voip_token, voip_missed_calls::skip);
  EXPECT_EQ(o.silent_from, seconds(20));
  EXPECT_EQ(o.silent_until, seconds(60));
  EXPECT_TRUE(o.allow_fcm_repeats);
  EXPECT_EQ(o.addresses, (std::vector<std::string>{"127.0.0.5", "127.0.0.6"}));
  EXPECT_EQ(o.sockets, 10U);
  EXPECT_EQ(o.caller_sockets, 3U);
  EXPECT_EQ(o.apple_team, "T");
  EXPECT_EQ(o.apple_bundle, "b.c");
  EXPECT_EQ(o.firebase_project, "p");
  EXPECT_EQ(o.pushes_from, "127.0.0.1:1");
  EXPECT_EQ(o.run_tag, "abc");
  EXPECT_EQ(o.engine_pid, 12U);
  EXPECT_EQ(o.metrics_of_engine, "http://127.0.0.1:9/metrics");
  EXPECT_EQ(o.engine_histogram, "h");
  EXPECT_EQ(o.json_file, "a.json");
  EXPECT_EQ(o.html_file, "b.html");
  EXPECT_EQ(o.metrics_listen, "127.0.0.1:0");
  EXPECT_TRUE(o.quiet);
  ASSERT_EQ(o.thresholds.size(), 2U);
  EXPECT_EQ(o.thresholds[0].text(), "p99(register_to_invite)<2ms");
}

TEST(LoadOptions, HasDefaultsThatHold) {
  load_options o;
  EXPECT_EQ(parse(o, {}), "");
  EXPECT_EQ(o.wake_delay.text(), "lognormal:p50=600ms,p99=3s");
}

class RefusedOption : public ::testing::TestWithParam<std::vector<std::string>> {};
TEST_P(RefusedOption, IsExplained) {
  load_options o;
  EXPECT_NE(parse(o, GetParam()), "");
}
using words = std::vector<std::string>;
INSTANTIATE_TEST_SUITE_P(
    Table, RefusedOption,
    ::testing::Values(words{"--subscribers", "0"}, words{"--subscribers", "30000000"}, words{"--subscribers", "-1"},
                      words{"--calls-per-second", "10"}, words{"--calls-per-second", "-3", "--duration", "1s"},
                      words{"--calls-per-second", "1000000", "--duration", "10h"}, words{"--calls-per-second", "nan", "--duration", "1s"},
                      words{"--duration", "60x"}, words{"--duration", "-1s"}, words{"--duration", "1 fortnight"},
                      words{"--never-wake", "1.5"}, words{"--never-wake", "0.6", "--nobody-answers", "0.6"}, words{"--moves", "2"},
                      words{"--wake-delay", "lognormal:p50=3s,p99=1s"}, words{"--wake-delay", "normal:1s"},
                      words{"--registers-per-wake", "0"}, words{"--registers-per-wake", "4..1"}, words{"--registers-per-wake", "1..99"},
                      words{"--registers-per-wake", "1-4"}, words{"--threshold", "p99(nothing)<1s"}, words{"--phones", "nokia:3"},
                      words{"--phones", "android:0"}, words{"--arrivals", "late"}, words{"--ring-time", "0s"}, words{"--sockets", "1"},
                      words{"--sockets", "9000"}, words{"--addresses", "localhost"}, words{"--run-tag", "A;b"}, words{"--no-such-thing"},
                      words{"--missed-calls-on-voip-token", "perhaps"}, words{"--grace", "soon"}, words{"--providers-silent", "20s"},
                      words{"--providers-silent", "20s..20s"}, words{"--pushes-per-call", "0"}));

TEST(LoadOptions, NamesEveryFaultAtOnce) {
  load_options o;
  const std::string faults = parse(o, {"--subscribers", "0", "--moves", "2", "--sockets", "1"});
  EXPECT_NE(faults.find("--subscribers"), faults.npos);
  EXPECT_NE(faults.find("--moves"), faults.npos);
  EXPECT_NE(faults.find("--sockets"), faults.npos);
}

}  // namespace
}  // namespace reveille::load
