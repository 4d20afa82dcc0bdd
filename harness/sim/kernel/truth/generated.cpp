#include "harness/sim/kernel/truth/generated.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <fmt/format.h>

namespace sockdrill::sim {

namespace {

/// SplitMix64.
class Dice final {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::size_t roll(std::size_t sides) {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
    return static_cast<std::size_t>((mixed ^ mixed >> 31) % sides);
  }

 private:
  std::uint64_t state_;
};

struct Held {
  std::string name;
  int fd = -1;
  bool is_tcp = false;
  bool is_open = true;
  bool is_watched = false;
};

class Generator final {
 public:
  Generator(Script& script, std::uint64_t seed) : s_(script), dice_(seed) {}

  void play() {
    const Pair connection = s_.connection();
    // Else a small piece waits for the acknowledgement of the one before (Nagle), which no model of
    // ours does.
    for (const int fd : {connection.a, connection.b}) s_.option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    hold("client", connection.a, true);
    hold("server", connection.b, true);
    static constexpr int kTypes[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};
    const Pair pair = s_.pair(kTypes[dice_.roll(3)]);
    hold("left", pair.a, false);
    hold("right", pair.b, false);
    epoll_ = s_.epoll();
    for (int calls = 0; calls < 40; ++calls) {
      Held& held = held_[dice_.roll(held_.size())];
      if (held.is_open) call_on(held);
      if (dice_.roll(4) == 0) s_.events("epoll", epoll_);
    }
    for (const Held& held : held_) {
      if (held.is_open) look_at(held);
    }
  }

 private:
  void hold(const std::string& name, int fd, bool is_tcp) {
    held_.push_back(Held{.name = name, .fd = fd, .is_tcp = is_tcp});
  }

  void look_at(const Held& held) {
    s_.look_at(held.name, held.fd);
    s_.error_of(held.name + " SO_ERROR", held.fd);
  }

  void call_on(Held& held) {
    const auto label = [&](const char* what) { return held.name + " " + what; };
    switch (dice_.roll(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
        s_.send(label("send"), held.fd,
                std::string(1 + dice_.roll(50), 'a' + static_cast<char>(dice_.roll(26))),
                dice_.roll(4) == 0 ? 0 : MSG_NOSIGNAL);
        s_.signal("signal");
        break;
      case 4:
      case 5:
      case 6:
        s_.receive(label("receive"), held.fd, 1 + dice_.roll(80));
        break;
      case 7:
        s_.receive(label("peek"), held.fd, 1 + dice_.roll(80), MSG_DONTWAIT | MSG_PEEK);
        break;
      case 8:
        s_.shutdown(label("shutdown"), held.fd, static_cast<int>(dice_.roll(3)));
        break;
      case 9:
        close(held, dice_.roll(2) == 0);
        break;
      case 10:
        look_at(held);
        break;
      case 11:
        if (held.is_tcp) s_.send(label("urgent"), held.fd, "!", MSG_OOB | MSG_NOSIGNAL);
        break;
      case 12:
        if (held.is_tcp) s_.receive(label("receive urgent"), held.fd, 5, MSG_OOB | MSG_DONTWAIT);
        break;
      default:
        watch(held);
    }
  }

  void close(Held& held, bool is_abortive) {
    // Rarely, or little else would be left to see.
    if (dice_.roll(2) != 0) return;
    held.is_open = false;
    s_.note(held.name + (is_abortive ? " reset" : " close"));
    if (is_abortive && held.is_tcp)
      s_.reset(held.fd);
    else
      s_.close(held.fd);
  }

  void watch(Held& held) {
    static constexpr std::uint32_t kWays[] = {0, EPOLLET, EPOLLONESHOT, EPOLLET | EPOLLONESHOT};
    static constexpr std::uint32_t kWhat[] = {EPOLLIN, EPOLLIN | EPOLLOUT, EPOLLIN | EPOLLRDHUP,
                                              EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI};
    const std::uint32_t events = kWays[dice_.roll(4)] | kWhat[dice_.roll(4)];
    const int operation = !held.is_watched     ? EPOLL_CTL_ADD
                          : dice_.roll(4) == 0 ? EPOLL_CTL_DEL
                                               : EPOLL_CTL_MOD;
    held.is_watched = operation != EPOLL_CTL_DEL;
    s_.watch(fmt::format("{} watched {:x} {}", held.name, events, operation), epoll_, held.fd,
             events, operation);
  }

  Script& s_;
  Dice dice_;
  std::vector<Held> held_;
  int epoll_ = -1;
};

}  // namespace

void play_generated(Script& script, std::uint64_t seed) { Generator(script, seed).play(); }

}  // namespace sockdrill::sim
