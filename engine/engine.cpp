#include "engine/engine.hpp"

#include <ifaddrs.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "actors/runtime/actor_host.hpp"
#include "actors/stored_aors.hpp"
#include "core/memory_reserve.hpp"
#include "core/system_ports.hpp"
#include "engine/admin/admin_api.hpp"
#include "engine/admin/store_lookup.hpp"
#include "engine/config/derived.hpp"
#include "engine/node_secret.hpp"
#include "engine/push/push_setup.hpp"
#include "engine/push/push_threads.hpp"
#include "engine/shortage.hpp"
#include "engine/shard/shard_thread.hpp"
#include "engine/store/answer_inboxes.hpp"
#include "engine/telemetry/engine_families.hpp"
#include "engine/telemetry/limit_watch.hpp"
#include "engine/token_census.hpp"
#include "engine/volatile_store.hpp"
#include "net/http1/server.hpp"
#include "net/udp/socket_address.hpp"
#include "net/udp/udp_socket.hpp"

namespace reveille {

namespace {

/// The address from which packets to the world leave (RFC 5737 192.0.2.1 is nobody: nothing is sent); loopback when
/// there is no route. Only used for sockets on every address without `node.advertise`.
endpoint outward_address(bool v6) {
  endpoint out = v6 ? *parse_address("::1", 0) : *parse_address("127.0.0.1", 0);
  const int fd = ::socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return out;
  sockaddr_storage address{};
  socklen_t length = to_sockaddr(v6 ? *parse_address("2001:db8::1", 9) : *parse_address("192.0.2.1", 9), address);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), length) == 0) {
    length = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0) out = from_sockaddr(address);
  }
  ::close(fd);
  return out;
}

bool is_wildcard(const endpoint& e) {
  return std::all_of(e.address.begin(), e.address.end(), [](std::uint8_t b) { return b == 0; });
}

/// "ADDRESS:PORT" of every interface: how clients may call a socket that listens on all of them (a Route to its
/// outbound proxy, say). Empty when the kernel does not tell.
std::vector<std::string> interface_names(bool v6, std::uint16_t port) {
  std::vector<std::string> out;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return out;
  for (const ifaddrs* i = all; i != nullptr; i = i->ifa_next) {
    if (i->ifa_addr == nullptr || i->ifa_addr->sa_family != (v6 ? AF_INET6 : AF_INET)) continue;
    sockaddr_storage address{};
    std::memcpy(&address, i->ifa_addr, v6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in));
    endpoint e = from_sockaddr(address);
    e.port = port;
    out.push_back(e.text());
  }
  ::freeifaddrs(all);
  return out;
}

/// The number under which the admin API asks the store: no shard has it (engine/config/derived.cpp allows 64).
constexpr shard_id admin_inbox{answer_inboxes::max_shards - 1};

void log_store_notice(const store_notice& said) {
  switch (said.how) {
    case store_notice::weight::info: return spdlog::info("store: {}", said.text);
    case store_notice::weight::warning: return spdlog::warn("store: {}", said.text);
    case store_notice::weight::error: return spdlog::error("store: {}", said.text);
  }
}

/// Apple's last a year, and renewing one takes people.
constexpr int certificate_warning_days = 30;

}  // namespace

class engine::impl final : public push_answer_sink {
 public:
  impl(const config::settings& settings, const build_info& build)
      : settings_(settings), build_(build), host_(actor_scheduling::threaded) {}
  ~impl() override { stop(); }

  std::optional<error> start() {
    count_ = config::shard_count(settings_, std::thread::hardware_concurrency());
    if (auto fault = open_store()) return fault;
    if (auto fault = open_pushes()) return fault;
    subscribers_ = config::for_subscribers(settings_);
    if (auto fault = open_shards()) return fault;
    std::vector<shard_thread*> all;
    for (auto& s : shards_) all.push_back(s.get());
    for (auto& s : shards_) s->start(all);
    for (auto& s : shards_) s->await_start();
    resume_parked_calls();
    count_tokens();
    return serve_operators();
  }

  // push_answer_sink, on a push thread; nothing is submitted before the shards are there
  void answered(shard_id home, std::vector<pns::push_answer>& batch) override {
    shard_thread& to = *shards_[home.value];
    for (pns::push_answer& a : batch) to.push_answered(std::move(a));
  }

  std::vector<endpoint> listening() const { return shards_.front()->listening(); }
  std::size_t shards() const { return shards_.size(); }
  endpoint admin() const { return admin_ ? admin_->listening() : endpoint{}; }
  void drain() {
    draining_ = true;
    for (auto& s : shards_) s->drain();
  }
  void watch_limits() {
    limits_now_.clear();
    measure_parts(limits_now_);
    for (const limit_line& l : limits_.look(limits_now_.counts(), clock_.now().steady)) {
      switch (l.how) {
        case limit_line::weight::info: spdlog::info("limits: {}", l.text); break;
        case limit_line::weight::warning: spdlog::warn("limits: {}", l.text); break;
      }
    }
  }
  bool idle() const {
    for (const auto& s : shards_) {
      if (!s->idle()) return false;
    }
    return true;
  }

 private:
  std::optional<error> open_store() {
    if (settings_.store_kind == config::store_kind::memory) {
      auto made = std::make_unique<volatile_store>();
      volatile_ = made.get();
      store_ = std::move(made);
      keys_ = make_secret(random_);
      return std::nullopt;
    }
    rocksdb_options options;
    static_cast<rocksdb_settings&>(options) = settings_.store;
    options.tell = log_store_notice;
    auto opened = rocksdb_store::open(options, clock_);
    if (!opened) return opened.error();
    rocksdb_ = opened->get();
    store_ = std::move(*opened);
    auto secret = load_or_make_secret(settings_.store.path, random_);
    if (!secret) return secret.error();
    keys_ = *secret;
    return std::nullopt;
  }

  std::optional<error> open_pushes() {
    // All faults of either step as one text: the operator mends them together.
    const auto together = [](const std::vector<error>& faults) {
      error out;
      for (const error& e : faults) out.what += (out.what.empty() ? "" : "; ") + e.what;
      return out;
    };
    const auto wanted = read_push_config(settings_);
    if (!wanted) return together(wanted.error());
    auto made = push_threads::make(*wanted, *this, clock_);
    if (!made) return together(made.error());
    pushes_ = std::move(*made);
    for (const std::string& advice : pushes_->advice()) spdlog::warn("push: {}", advice);
    for (const planned_certificate& c : pushes_->certificates()) {
      const auto days = std::chrono::duration_cast<std::chrono::hours>(c.ends - clock_.now().wall).count() / 24;
      if (days < certificate_warning_days) {
        spdlog::warn("the push certificate of {} ends in {} days: its phones will not ring after that", c.bundle, days);
      }
    }
    return std::nullopt;
  }

  std::optional<error> open_shards() {
    shard_config_ = config::for_shards(settings_, count_, keys_);
    shard_config_.start = random_.next();
    aors_ = std::make_unique<stored_aors>(settings_.registrar.max_aors, *store_);
    std::vector<endpoint> listen;
    for (const listener& l : shard_config_.listeners) {
      // The shards share their ports, and the kernel would let another process of ours have a share, too.
      if (const auto taken = udp_socket::in_use(l.address)) return taken;
      listen.push_back(l.address);
    }
    for (std::uint16_t i = 0; i < count_; ++i) {
      shard_thread_config config;
      config.self = {i};
      config.listen = listen;
      config.home = config::for_homes(settings_, count_);
      config.home.reserve = config.home.places();  // growing it would stop the shard for tens of ms
      config.udp.parser_room = sip::message::index_room;
      pools_.push_back(std::make_unique<slab_pool>(settings_.limits.pool_bytes));
      auto made = shard_thread::open(
          config, {shard_config_, subscribers_, host_, *pools_.back(), *store_, *pushes_, clock_, nullptr, aors_.get()});
      if (!made) return made.error();
      shards_.push_back(std::move(*made));
      listen = shards_.front()->listening();  // a port that was left to the kernel is the same for all
      answer_to(shard_id{i}, *shards_.back());
    }
    for (std::size_t i = 0; i < listen.size(); ++i) {
      listener& l = shard_config_.listeners[i];
      l.address = listen[i];
      if (!is_wildcard(listen[i])) continue;
      for (std::string& name : interface_names(listen[i].v6, listen[i].port)) {
        shard_config_.aliases.push_back(std::move(name));
      }
      if (!l.sent_by.empty()) continue;
      endpoint told = outward_address(listen[i].v6);
      told.port = listen[i].port;
      l.sent_by = told.text();
      spdlog::info("telling others to send to {} (node.advertise says otherwise)", l.sent_by);
    }
    return std::nullopt;
  }

  void answer_to(shard_id shard, store_answers& inbox) {
    if (rocksdb_ != nullptr) rocksdb_->answer_to(shard, inbox);
    if (volatile_ != nullptr) volatile_->answer_to(shard, inbox);
  }

  std::optional<error> serve_operators() {
    if (settings_.admin.listen.empty()) return std::nullopt;
    std::string bearer;
    if (!settings_.admin.bearer_token_file.empty()) {
      auto read = read_bearer_token(settings_.admin.bearer_token_file);
      if (!read) return read.error();
      bearer = *read;
    }
    lookup_ = std::make_unique<store_lookup>(*store_, admin_inbox);
    answer_to(admin_inbox, *lookup_);
    metrics_.add_source([this](metric_sink& to) { measure(to); });
    api_ = std::make_unique<admin_api>(
        admin_api::parts{metrics_, build_, bearer, [this] { return unready(); }, lookup_.get(),
                         [this] { return remarks(); },
                         host_rules(config::for_admin(settings_).listen, settings_.admin.allowed_hosts)});
    auto made = http1::server::start(config::for_admin(settings_),
                                     [this](const http1::request& asked) { return api_->answer(asked); });
    if (!made) return made.error();
    admin_ = std::move(*made);
    admin_seen_.store(admin_.get(), std::memory_order_release);
    return std::nullopt;
  }

  /// Any thread.
  std::optional<std::string> unready() const {
    if (draining_) return "draining";
    if (memory_reserve::in_use()) return "the system refuses memory";
    if (rocksdb_ != nullptr && rocksdb_->failing()) return "the store cannot write: " + rocksdb_->trouble();
    return std::nullopt;
  }
  /// Any thread.
  std::string remarks() const {
    const std::string lost = rocksdb_ != nullptr ? rocksdb_->lost() : "";
    return lost.empty() ? lost : "the store: " + lost + "\n";
  }

  /// Any thread.
  void measure_parts(metric_sink& to) const {
    std::vector<const shard_counters*> shards;
    std::vector<shard_thread_counters> threads;
    for (const auto& s : shards_) {
      shards.push_back(s->shard_counters_now());
      threads.push_back(s->counters());
    }
    add_shard_families(to, shards);
    add_thread_families(to, threads);
    std::vector<push_reading> senders;
    for (std::size_t t = 0; t < pushes_->threads(); ++t) {
      const auto& table = pushes_->counters(t);
      for (std::size_t p = 0; p < table.size(); ++p) senders.push_back({static_cast<pns::provider>(p), &table[p]});
    }
    add_push_families(to, senders);
    add_push_app_families(to, pushes_->apps());
    add_push_thread_families(to, pushes_->turns_failed());
    if (rocksdb_ != nullptr) add_store_families(to, rocksdb_->counters());
    if (const auto* seen = admin_seen_.load(std::memory_order_acquire)) add_admin_families(to, seen->counters());
    add_lifecycle_families(to, {draining_, !unready().has_value(), memory_reserve::in_use(), memory_reserve::given_out()});
  }

  /// On the admin server's thread.
  void measure(metric_sink& to) const {
    add_build_info(to, build_);
    add_process_metrics(to);
    measure_parts(to);
    const wall_time now = clock_.now().wall;
    std::vector<certificate_reading> certificates;
    for (const planned_certificate& c : pushes_->certificates()) {
      certificates.push_back({c.bundle, std::chrono::duration_cast<seconds>(c.ends - now)});
    }
    add_certificate_families(to, certificates);
    to.gauge("reveille_stored_aors", "Addresses-of-record with a stored registration (registrar.max_aors).", {},
             static_cast<double>(aors_->count()));
  }

  /// Calls that were parked when the process died, and whose deadline is not over: their subscribers take them up with
  /// the first event, so each gets one that means nothing.
  void resume_parked_calls() {
    if (rocksdb_ == nullptr) return;
    for (const aor& of : rocksdb_->resumable()) {
      const aor_key key = key_of(of.view(), keys_.tables);
      shards_[home_of(key, count_).value]->hand_over(event_for{key, of.str(), write_finished{store_token{}, true}});
    }
    if (!rocksdb_->resumable().empty()) {
      spdlog::info("resuming parked calls of {} subscribers", rocksdb_->resumable().size());
    }
  }

  void count_tokens() {
    if (rocksdb_ == nullptr || !subscribers_.apps.any_one()) return;
    census_ = std::make_unique<token_census>(*rocksdb_, subscribers_.apps, [this](claim_token&& c) {
      const shard_id home = home_of(key_of(c.by.view(), keys_.tables), count_);
      shards_[home.value]->hand_over(claim_for{std::move(c)});
    });
  }

  /// Who asks first, then the shards' threads, then what answers them, then what they live in.
  void stop() {
    admin_.reset();
    census_.reset();
    for (auto& s : shards_) s->stop();
    pushes_.reset();
    store_.reset();
    shards_.clear();
  }

  config::settings settings_;
  build_info build_;
  system_clock_port clock_;
  system_random random_;
  config::node_keys keys_;
  std::uint16_t count_ = 1;
  std::vector<std::unique_ptr<slab_pool>> pools_;  ///< before all that may hold a slab
  actor_host host_;
  shard_config shard_config_;
  subscriber_config subscribers_;
  std::unique_ptr<stored_aors> aors_;
  std::unique_ptr<store> store_;
  rocksdb_store* rocksdb_ = nullptr;
  volatile_store* volatile_ = nullptr;
  std::unique_ptr<push_threads> pushes_;
  std::unique_ptr<token_census> census_;
  std::vector<std::unique_ptr<shard_thread>> shards_;
  std::atomic<bool> draining_{false};
  limit_reading limits_now_{limit_table()};
  limit_watch limits_{limit_table()};
  std::unique_ptr<store_lookup> lookup_;           ///< the store answers it until it is gone
  metrics_page metrics_;
  std::unique_ptr<admin_api> api_;
  std::unique_ptr<http1::server> admin_;
  std::atomic<const http1::server*> admin_seen_{nullptr};  ///< its own thread may measure before start() returned
};

result<std::unique_ptr<engine>> engine::start(const config::settings& settings, const build_info& build) {
  try {
    auto made = std::make_unique<impl>(settings, build);
    if (const auto fault = made->start()) return failure(with_remedy(fault->what));
    return std::unique_ptr<engine>(new engine(std::move(made)));
  } catch (const std::exception& e) {  // no memory, no thread: from a dozen places, all of which mean the same
    return failure(shortage_text(e));
  }
}

engine::engine(std::unique_ptr<impl> made) : impl_(std::move(made)) {}
engine::~engine() = default;
std::vector<endpoint> engine::listening() const { return impl_->listening(); }
std::size_t engine::shards() const { return impl_->shards(); }
endpoint engine::admin() const { return impl_->admin(); }
void engine::watch_limits() { impl_->watch_limits(); }
void engine::drain() { impl_->drain(); }
bool engine::idle() const { return impl_->idle(); }

}  // namespace reveille
