#include "net/udp/udp_socket.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "net/udp/socket_address.hpp"

namespace reveille {
namespace {

endpoint loopback(bool v6) { return parse_endpoint(v6 ? "[::1]:0" : "127.0.0.1:0").value(); }

bool wait_readable(const udp_socket& s, int events = POLLIN) {
  pollfd p{s.fd(), static_cast<short>(events), 0};
  return ::poll(&p, 1, 5000) > 0;
}

class UdpSocket : public ::testing::TestWithParam<bool> {
 protected:
  std::unique_ptr<udp_socket> open() {
    auto made = udp_socket::open(loopback(GetParam()), pool);
    EXPECT_TRUE(made.has_value()) << made.error().what;
    return std::move(*made);
  }
  slab_ptr bytes(const std::string& text) {
    slab_ptr s = pool.take(text.size());
    std::memcpy(s->data(), text.data(), text.size());
    return s;
  }
  void send(udp_socket& from, const endpoint& to, const std::string& text) { from.send(to, bytes(text), text.size()); }
  std::vector<std::string> receive(udp_socket& s, std::size_t expected) {
    std::vector<std::string> out;
    while (out.size() < expected && wait_readable(s)) {
      std::vector<datagram> batch(200);
      const std::size_t n = s.receive(batch);
      for (std::size_t i = 0; i < n; ++i) {
        out.emplace_back(batch[i].bytes->view(0, batch[i].size));
        last_sender = batch[i].from;
      }
    }
    return out;
  }

  slab_pool pool;
  endpoint last_sender;
};

TEST_P(UdpSocket, KnowsAnAddressThatSomebodyHas) {
  auto a = open();
  const endpoint taken = a->local();
  const auto said = udp_socket::in_use(taken);
  ASSERT_TRUE(said.has_value()) << "open() would share it";
  EXPECT_NE(said->what.find(taken.text()), std::string::npos) << said->what;
  a.reset();
  EXPECT_FALSE(udp_socket::in_use(taken).has_value());
  EXPECT_FALSE(udp_socket::in_use(loopback(GetParam())).has_value()) << "the kernel chooses";
}

TEST_P(UdpSocket, CarriesDatagramsInOrderWithTheirSender) {
  auto a = open();
  auto b = open();
  std::vector<std::string> sent;
  for (int i = 0; i < 150; ++i) {  // more than two batches
    sent.push_back("message " + std::to_string(i));
    send(*a, b->local(), sent.back());
  }
  a->flush();
  EXPECT_EQ(receive(*b, sent.size()), sent);
  EXPECT_EQ(last_sender, a->local());
  EXPECT_EQ(a->counters().sent, 150U);
  EXPECT_EQ(b->counters().received, 150U);
}

TEST_P(UdpSocket, SendsNothingBeforeTheEndOfTheTurn) {
  auto a = open();
  auto b = open();
  send(*a, b->local(), "wait");
  std::vector<datagram> none(1);
  EXPECT_EQ(b->receive(none), 0U);
  a->flush();
  EXPECT_EQ(receive(*b, 1), std::vector<std::string>{"wait"});
}

TEST_P(UdpSocket, TakesTheLongestAndTheEmptyDatagram) {
  auto a = open();
  auto b = open();
  const std::string longest(65000, 'x');
  send(*a, b->local(), longest);
  send(*a, b->local(), "");
  a->flush();
  EXPECT_EQ(receive(*b, 2), (std::vector<std::string>{longest, ""}));
}

TEST_P(UdpSocket, TellsWhoIsUnreachableAndGoesOn) {
  auto a = open();
  auto b = open();
  endpoint nobody;
  {
    auto gone = open();
    nobody = gone->local();
  }
  std::vector<endpoint> told;
  a->on_unreachable([&](const endpoint& e) { told.push_back(e); });
  send(*a, nobody, "anybody there?");
  a->flush();
  ASSERT_TRUE(wait_readable(*a, POLLIN | POLLERR));
  std::vector<datagram> none(1);
  EXPECT_EQ(a->receive(none), 0U);
  EXPECT_EQ(told, std::vector<endpoint>{nobody});
  EXPECT_EQ(a->counters().unreachable, 1U);

  // An error that waits when somebody else is written to must not cost that datagram.
  send(*a, nobody, "again?");
  a->flush();
  ASSERT_TRUE(wait_readable(*a, POLLIN | POLLERR));
  send(*a, b->local(), "hello");
  a->flush();
  EXPECT_EQ(receive(*b, 1), std::vector<std::string>{"hello"});
  EXPECT_EQ(told.size(), 2U);
}

TEST_P(UdpSocket, DropsAndCountsWhatTheKernelRefusesToSend) {
  auto a = open();
  auto b = open();
  slab_ptr big = pool.take(65536);
  a->send(b->local(), big, 65536);  // longer than UDP can carry
  send(*a, b->local(), "fits");
  a->flush();
  EXPECT_EQ(a->counters().send_errors, 1U);
  EXPECT_EQ(receive(*b, 1), std::vector<std::string>{"fits"});
}

TEST_P(UdpSocket, DropsAndCountsWhenThePoolIsAtItsBound) {
  slab_pool tiny(1024);
  auto b = udp_socket::open(loopback(GetParam()), tiny).value();
  auto a = open();
  send(*a, b->local(), "no room for this");
  a->flush();
  ASSERT_TRUE(wait_readable(*b));
  std::vector<datagram> none(1);
  EXPECT_EQ(b->receive(none), 0U);
  EXPECT_EQ(b->counters().pool_drops, 1U);
  pollfd p{b->fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&p, 1, 0), 0);
}

TEST_P(UdpSocket, CountsADatagramThatNoSlabHoldsAsTooLarge) {
  udp_config config;
  config.parser_room = 2048;
  auto b = udp_socket::open(loopback(GetParam()), pool, config).value();
  auto a = open();
  send(*a, b->local(), std::string(65000, 'x'));
  send(*a, b->local(), std::string(63000, 'y'));
  a->flush();
  EXPECT_EQ(receive(*b, 1), std::vector<std::string>{std::string(63000, 'y')});
  EXPECT_EQ(b->counters().too_large, 1U);
  EXPECT_EQ(b->counters().pool_drops, 0U);
}

TEST_P(UdpSocket, CountsWhatTheKernelDropped) {
  udp_config small;
  small.receive_buffer = 4096;
  auto b = udp_socket::open(loopback(GetParam()), pool, small).value();
  auto a = open();
  for (int i = 0; i < 500; ++i) send(*a, b->local(), std::string(500, 'x'));
  a->flush();
  std::vector<datagram> some(500);
  const std::size_t kept = b->receive(some);
  ASSERT_LT(kept, 500U);
  send(*a, b->local(), "the count comes with the next one");
  a->flush();
  ASSERT_TRUE(wait_readable(*b));
  EXPECT_EQ(b->receive(some), 1U);
  EXPECT_EQ(b->counters().kernel_drops, 500U - kept);
}

TEST_P(UdpSocket, SharesItsPortWithOtherShards) {
  auto a = open();
  EXPECT_TRUE(udp_socket::open(a->local(), pool).has_value());
}

INSTANTIATE_TEST_SUITE_P(Families, UdpSocket, ::testing::Bool(),
                         [](const auto& of) { return of.param ? "IPv6" : "IPv4"; });

TEST(UdpSocketOpening, SaysWhatIsWrong) {
  slab_pool pool;
  const auto made = udp_socket::open(parse_endpoint("192.0.2.1:5060").value(), pool);
  ASSERT_FALSE(made.has_value());
  EXPECT_NE(made.error().what.find("192.0.2.1:5060: bind"), std::string::npos) << made.error().what;
}

}  // namespace
}  // namespace reveille
