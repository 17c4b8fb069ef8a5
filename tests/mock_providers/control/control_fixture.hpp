/// A backend under the control port's conversations, without sockets.
#pragma once

#include <nlohmann/json.hpp>

#include "mock_providers/control/control_api.hpp"
#include "mock_providers/control/control_conversation.hpp"
#include "tests/mock_providers/backend_fixture.hpp"

namespace reveille::mock_providers {

/// The server's part, as far as it is not the backend's.
struct fake_controlled_mock final : controlled_mock {
  fake_controlled_mock(provider_backend& d, const instant& n) : backend_of(d), time(n), begin(n) {}
  provider_backend& backend() override { return backend_of; }
  instant now() const override { return time; }
  instant started() const override { return begin; }
  mock_counters present_counters() override { return backend_of.counters(); }
  void take_script(fault_script script) override { backend_of.use(std::move(script), time); }
  bool add_rules(fault_script more) override { return backend_of.add_rules(std::move(more), time); }
  std::vector<connection_facts> connections() const override { return open; }
  bool reset_connection(std::uint64_t id) override {
    return std::erase_if(open, [id](const connection_facts& c) { return c.id == id; }) == 1;
  }
  void reset_all_connections() override { open.clear(); }
  goodbye say_goodbye(std::uint64_t id, const scripted_goaway& how) override {
    for (const connection_facts& c : open) {
      if (c.id != id) continue;
      if (c.protocol != "h2") return goodbye::http1;
      said.push_back(how);
      return goodbye::said;
    }
    return goodbye::no_such_connection;
  }

  provider_backend& backend_of;
  const instant& time;
  const instant begin;
  std::vector<connection_facts> open;
  std::vector<scripted_goaway> said;
};

class Control : public Desk {
 protected:
  using json = nlohmann::json;

  /// As answer_control() answers; JSON, or a text.
  json ask(std::string_view method, std::string_view target, std::string_view body = {}) {
    const control_answer a = answer_control({method, target, body}, mock);
    status = a.status;
    const json out = json::parse(a.body, nullptr, false);
    EXPECT_FALSE(out.is_discarded()) << a.body;
    return out;
  }
  /// The status and what is wrong, "400 limit: wants …".
  std::string fault(std::string_view method, std::string_view target, std::string_view body = {}) {
    const json a = ask(method, target, body);
    if (!a.contains("error")) return "none: " + a.dump();
    EXPECT_EQ(a["error"]["status"], status);
    return std::to_string(status) + " " + a["error"].value("field", "") + ": " + a["error"]["what"].get<std::string>();
  }

  fake_controlled_mock mock{*backend, now};
  int status = 0;
};

}  // namespace reveille::mock_providers
