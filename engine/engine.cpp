#include "engine/engine.hpp"

#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "actors/runtime/actor_host.hpp"
#include "core/system_ports.hpp"
#include "engine/node_secret.hpp"
#include "engine/pushes_switched_off.hpp"
#include "engine/shard/shard_thread.hpp"
#include "engine/volatile_store.hpp"
#include "engine/wiring.hpp"
#include "net/transport/socket_address.hpp"

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

}  // namespace

class engine::impl {
 public:
  explicit impl(const config::settings& settings) : settings_(settings), host_(actor_scheduling::threaded) {}
  ~impl() { stop(); }

  std::optional<error> start() {
    count_ = shard_count(settings_, std::thread::hardware_concurrency());
    if (auto fault = open_store()) return fault;
    pushes_ = std::make_unique<pushes_switched_off>(
        [this](shard_id home, pns::push_answer&& a) { shards_[home.value]->push_answered(std::move(a)); });
    subscribers_ = subscriber_config_of(settings_);
    for (const std::string& fault : subscribers_.validate()) return error{fault};
    if (auto fault = open_shards()) return fault;
    for (const std::string& fault : shard_config_.validate()) return error{fault};
    std::vector<shard_thread*> all;
    for (auto& s : shards_) all.push_back(s.get());
    for (auto& s : shards_) s->start(all);
    resume_parked_calls();
    return std::nullopt;
  }

  std::vector<endpoint> listening() const { return shards_.front()->listening(); }
  std::size_t shards() const { return shards_.size(); }
  void drain() {
    for (auto& s : shards_) s->drain();
  }
  bool idle() const {
    for (const auto& s : shards_) {
      if (!s->idle()) return false;
    }
    return true;
  }

 private:
  std::optional<error> open_store() {
    if (settings_.store.kind == config::store_kind::memory) {
      auto made = std::make_unique<volatile_store>();
      volatile_ = made.get();
      store_ = std::move(made);
      secret_ = make_secret(random_);
      return std::nullopt;
    }
    auto opened = rocksdb_store::open(store_options_of(settings_), clock_);
    if (!opened) return opened.error();
    rocksdb_ = opened->get();
    store_ = std::move(*opened);
    auto secret = load_or_make_secret(settings_.store.path, random_);
    if (!secret) return secret.error();
    secret_ = *secret;
    return std::nullopt;
  }

  std::optional<error> open_shards() {
    std::vector<endpoint> listen = listen_addresses(settings_);
    for (std::uint16_t i = 0; i < count_; ++i) {
      shard_thread_config config;
      config.self = {i};
      config.listen = listen;
      config.home = home_config_of(settings_, count_);
      config.udp.parser_room = sip::message::index_room;
      pools_.push_back(std::make_unique<slab_pool>(settings_.limits.pool_bytes));
      auto made = shard_thread::open(
          config, {shard_config_, subscribers_, host_, *pools_.back(), *store_, *pushes_, clock_, nullptr});
      if (!made) return made.error();
      shards_.push_back(std::move(*made));
      listen = shards_.front()->listening();  // a port that was left to the kernel is the same for all
      answer_to(shard_id{i}, *shards_.back());
    }
    shard_config_ = shard_config_of(settings_, count_, listen, secret_, outward_address(listen.front().v6));
    return std::nullopt;
  }

  void answer_to(shard_id shard, store_answers& inbox) {
    if (rocksdb_ != nullptr) rocksdb_->answer_to(shard, inbox);
    if (volatile_ != nullptr) volatile_->answer_to(shard, inbox);
  }

  /// Calls that were parked when the process died, and whose deadline is not over: their subscribers take them up with
  /// the first event, so each gets one that means nothing.
  void resume_parked_calls() {
    if (rocksdb_ == nullptr) return;
    for (const aor& of : rocksdb_->resumable()) {
      const aor_key key = key_of(of.view(), secret_.aors);
      shards_[home_of(key, count_).value]->hand_over(event_for{key, of.str(), write_finished{store_token{}, true}});
    }
    if (!rocksdb_->resumable().empty()) {
      spdlog::info("resuming parked calls of {} subscribers", rocksdb_->resumable().size());
    }
  }

  /// Threads first, then what answers them, then what they live in.
  void stop() {
    for (auto& s : shards_) s->stop();
    pushes_.reset();
    store_.reset();
    shards_.clear();
  }

  config::settings settings_;
  system_clock_port clock_;
  system_random random_;
  node_secret secret_;
  std::uint16_t count_ = 1;
  std::vector<std::unique_ptr<slab_pool>> pools_;  ///< before all that may hold a slab
  actor_host host_;
  shard_config shard_config_;
  subscriber_config subscribers_;
  std::unique_ptr<store> store_;
  rocksdb_store* rocksdb_ = nullptr;
  volatile_store* volatile_ = nullptr;
  std::unique_ptr<push_gateway> pushes_;
  std::vector<std::unique_ptr<shard_thread>> shards_;
};

result<std::unique_ptr<engine>> engine::start(const config::settings& settings) {
  auto made = std::make_unique<impl>(settings);
  if (const auto fault = made->start()) return tl::unexpected<error>(*fault);
  return std::unique_ptr<engine>(new engine(std::move(made)));
}

engine::engine(std::unique_ptr<impl> made) : impl_(std::move(made)) {}
engine::~engine() = default;
std::vector<endpoint> engine::listening() const { return impl_->listening(); }
std::size_t engine::shards() const { return impl_->shards(); }
void engine::drain() { impl_->drain(); }
bool engine::idle() const { return impl_->idle(); }

}  // namespace reveille
