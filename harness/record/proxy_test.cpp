#include "harness/record/proxy.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <thread>

#include <gtest/gtest.h>

#include "harness/base/fd.h"
#include "harness/play/end_connection.h"

namespace sockdrill {
namespace {

using Kind = SessionEvent::Kind;

/// A listener on a port that the kernel has chosen; what happens on its first connection is up to
/// the test.
struct TestListener {
  OwnedFd socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  SocketAddress address = ip_address("127.0.0.1", 0).value();
  TestListener() {
    EXPECT_EQ(::bind(socket.raw(), address.get(), address.length), 0);
    EXPECT_EQ(::listen(socket.raw(), 8), 0);
    EXPECT_EQ(::getsockname(socket.raw(), address.get(), &address.length), 0);
  }
  [[nodiscard]] OwnedFd accept() const { return OwnedFd{::accept(socket.raw(), nullptr, nullptr)}; }
};

std::string read_to_end(const OwnedFd& socket) {
  std::string text;
  std::string part(65536, '\0');
  for (ssize_t size = 0; (size = ::recv(socket.raw(), part.data(), part.size(), 0)) > 0;)
    text.append(part, 0, static_cast<std::size_t>(size));
  return text;
}

void send_all(const OwnedFd& socket, const std::string& text) {
  EXPECT_EQ(::send(socket.raw(), text.data(), text.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(text.size()));
}

/// Starts the client, in a thread of its own, once the proxy listens.
class TestObserver final : public ProxyObserver {
 public:
  explicit TestObserver(std::function<void(const OwnedFd&)> client) : client_(std::move(client)) {}
  ~TestObserver() override {
    if (thread_.joinable()) thread_.join();
  }
  void listens(const SocketAddress& address) override {
    thread_ = std::thread([this, address] {
      const OwnedFd socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
      EXPECT_EQ(::connect(socket.raw(), address.get(), address.length), 0);
      client_(socket);
    });
  }
  void saw(const SessionEvent& event) override {
    kinds.push_back(event.kind);
    if (event.kind == Kind::client_sent) from_client += event.octets;
    if (event.kind == Kind::server_sent) from_server += event.octets;
  }
  void note(const std::string& text) override { notes += text; }
  bool has_enough() override { return false; }

  std::vector<Kind> kinds;
  std::string from_client;
  std::string from_server;
  std::string notes;

 private:
  std::function<void(const OwnedFd&)> client_;
  std::thread thread_;
};

void run_one_connection(const SocketAddress& to, TestObserver& observer) {
  const std::atomic<bool> never{false};
  const ProxyOptions options{
      .listen = ip_address("127.0.0.1", 0).value(), .to = to, .connections = 1};
  const Result<void> ran = run_proxy(options, observer, never);
  EXPECT_TRUE(ran) << to_string(ran.error());
}

TEST(ProxyTest, PassesOctetsAndHalfClosesOn) {
  const TestListener listener;
  std::thread server([&] {
    const OwnedFd socket = listener.accept();
    const std::string request = read_to_end(socket);
    send_all(socket, "got " + request);
  });
  std::string reply;
  TestObserver observer([&](const OwnedFd& socket) {
    send_all(socket, "it");
    ::shutdown(socket.raw(), SHUT_WR);
    reply = read_to_end(socket);
  });
  run_one_connection(listener.address, observer);
  server.join();
  EXPECT_EQ(observer.kinds, (std::vector{Kind::connected, Kind::client_sent, Kind::client_ended,
                                         Kind::server_sent, Kind::server_ended}));
  EXPECT_EQ(observer.from_client, "it");
  EXPECT_EQ(observer.from_server, "got it");
}

TEST(ProxyTest, PassesResetsOnFromEitherSide) {
  const TestListener listener;
  for (const bool is_clients : {true, false}) {
    int error_at_server = 0;
    int error_at_client = 0;
    const auto read_or_reset = [](const OwnedFd& socket, bool resets) {
      char octet = 0;
      if (resets) {
        end_connection(socket.get(), true);
        return 0;
      }
      return ::recv(socket.raw(), &octet, 1, 0) < 0 ? errno : 0;
    };
    std::thread server([&] {
      const OwnedFd socket = listener.accept();
      error_at_server = read_or_reset(socket, !is_clients);
    });
    {
      TestObserver observer(
          [&](const OwnedFd& socket) { error_at_client = read_or_reset(socket, is_clients); });
      run_one_connection(listener.address, observer);
      EXPECT_EQ(observer.kinds, (std::vector{Kind::connected, is_clients ? Kind::client_reset
                                                                         : Kind::server_reset}));
    }
    server.join();
    EXPECT_EQ(is_clients ? error_at_server : error_at_client, ECONNRESET);
  }
}

TEST(ProxyTest, MoreThanFitsAnywhereArrivesWhole) {
  const TestListener listener;
  const std::string much(std::size_t{8} << 20U, 'x');
  std::thread server([&] {
    const OwnedFd socket = listener.accept();
    send_all(socket, much);
  });
  std::string reply;
  {
    TestObserver observer([&](const OwnedFd& socket) { reply = read_to_end(socket); });
    run_one_connection(listener.address, observer);
    EXPECT_EQ(observer.from_server.size(), much.size());
  }
  server.join();
  EXPECT_EQ(reply, much);
}

TEST(ProxyTest, AClientWhoseServerIsNotThereIsTurnedAway) {
  SocketAddress nobody;
  {
    const TestListener listener;
    nobody = listener.address;
  }
  TestObserver observer([](const OwnedFd& socket) {
    char octet = 0;
    EXPECT_LE(::recv(socket.raw(), &octet, 1, 0), 0);
  });
  run_one_connection(nobody, observer);
  EXPECT_TRUE(observer.kinds.empty());
  EXPECT_NE(observer.notes.find("ECONNREFUSED"), std::string::npos) << observer.notes;
}

}  // namespace
}  // namespace sockdrill
