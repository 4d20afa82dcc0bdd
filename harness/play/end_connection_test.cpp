#include "harness/play/end_connection.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace sockdrill {
namespace {

/// A connection over loopback, whose client's socket is held a second time, as a process that is
/// being made holds it.
class EndConnection : public ::testing::Test {
 protected:
  void SetUp() override {
    listener = OwnedFd(Fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)});
    client = OwnedFd(Fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)});
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    auto* const name = reinterpret_cast<sockaddr*>(&address);
    ASSERT_EQ(::bind(raw(listener.get()), name, length), 0);
    ASSERT_EQ(::listen(raw(listener.get()), 1), 0);
    ASSERT_EQ(::getsockname(raw(listener.get()), name, &length), 0);
    ASSERT_EQ(::connect(raw(client.get()), name, length), 0);
    server = OwnedFd(Fd{::accept4(raw(listener.get()), nullptr, nullptr, SOCK_CLOEXEC)});
    second_holder = OwnedFd(Fd{::dup(raw(client.get()))});
    ASSERT_NE(raw(server.get()), -1);
    ASSERT_NE(raw(second_holder.get()), -1);
  }

  /// What the server's next recv() says: the octets, "end", or the errno's number. Never blocks for
  /// good: loopback delivers before the call that sent returns.
  [[nodiscard]] std::string received() const {
    char buffer[64];
    const ssize_t size = ::recv(raw(server.get()), buffer, sizeof(buffer), MSG_DONTWAIT);
    if (size < 0) return "errno " + std::to_string(errno);
    return size == 0 ? "end" : std::string(buffer, static_cast<std::size_t>(size));
  }

  OwnedFd listener, client, server, second_holder;
};

TEST_F(EndConnection, TellsThePeerThoughSomebodyElseHoldsTheSocketToo) {
  end_connection(client.get(), false);
  EXPECT_EQ(received(), "end");
}

TEST_F(EndConnection, DeliversWhatWasSentBeforeAnOrderlyEnd) {
  ASSERT_EQ(::send(raw(client.get()), "last", 4, 0), 4);
  end_connection(client.get(), false);
  EXPECT_EQ(received(), "last");
  EXPECT_EQ(received(), "end");
}

TEST_F(EndConnection, ResetsWhenAskedTo) {
  end_connection(client.get(), true);
  EXPECT_EQ(received(), "errno " + std::to_string(ECONNRESET));
}

TEST_F(EndConnection, ResetsWhenInputStandsUnreadAsCloseDoes) {
  ASSERT_EQ(::send(raw(server.get()), "reply", 5, 0), 5);
  end_connection(client.get(), false);
  EXPECT_EQ(received(), "errno " + std::to_string(ECONNRESET));
}

}  // namespace
}  // namespace sockdrill
