#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "harness/sim/kernel/truth/script.h"

namespace sockdrill::sim {

namespace {

std::size_t fill_pipe(Script& s, int fd, std::size_t piece) {
  const std::string octets(piece, 'x');
  std::size_t total = 0;
  for (;;) {
    const long answer = s.host.write(fd, octets.data(), piece);
    if (answer <= 0) return total;
    total += static_cast<std::size_t>(answer);
  }
}

std::uint64_t read_number(Script& s, const std::string& label, int fd) {
  std::uint64_t number = 0;
  const long answer = s.host.read(fd, &number, sizeof(number));
  s.tell(label, answer < 0 ? answer : static_cast<long>(number));
  return number;
}

void write_number(Script& s, const std::string& label, int fd, std::uint64_t number) {
  s.tell(label, s.host.write(fd, &number, sizeof(number)));
}

const std::vector<NamedScript> kPipeScripts = {
    {"pipe",
     [](Script& s) {
       int fds[2] = {-1, -1};
       s.tell("pipe2", s.host.pipe2(fds, O_NONBLOCK));
       char buffer[100] = {};
       s.poll("reader", fds[0]);
       s.poll("writer", fds[1]);
       s.tell("empty", s.host.read(fds[0], buffer, sizeof(buffer)));
       s.tell("write", s.host.write(fds[1], "hello", 5));
       s.poll("reader", fds[0]);
       s.inq("FIONREAD", fds[0], FIONREAD);
       s.tell("part", s.host.read(fds[0], buffer, 2));
       s.tell("wrong end", s.host.write(fds[0], "x", 1));
       s.tell("wrong end", s.host.read(fds[1], buffer, 1));
       s.host.close(fds[1]);
       s.poll("reader", fds[0]);
       s.tell("rest", s.host.read(fds[0], buffer, sizeof(buffer)));
       s.tell("end", s.host.read(fds[0], buffer, sizeof(buffer)));
       s.poll("reader", fds[0]);
       s.receive("not a socket", fds[0]);
     }},
    {"pipe without a reader",
     [](Script& s) {
       int fds[2] = {-1, -1};
       s.host.pipe2(fds, O_NONBLOCK);
       s.host.close(fds[0]);
       s.poll("writer", fds[1]);
       s.tell("write", s.host.write(fds[1], "x", 1));
       s.signal("signal");
     }},
    {"a full pipe",
     [](Script& s) {
       for (const std::size_t piece : {1U, 100U, 4096U, 5000U, 70000U}) {
         int fds[2] = {-1, -1};
         s.host.pipe2(fds, O_NONBLOCK);
         s.tell("in it", static_cast<long>(fill_pipe(s, fds[1], piece)));
         s.poll("writer", fds[1]);
         std::vector<char> buffer(70000);
         s.tell("read", s.host.read(fds[0], buffer.data(), 4095));
         s.poll("writer", fds[1]);
         s.tell("read", s.host.read(fds[0], buffer.data(), 1));
         s.poll("writer", fds[1]);
         s.tell("write", s.host.write(fds[1], buffer.data(), 4096));
         s.tell("read", s.host.read(fds[0], buffer.data(), 70000));
       }
     }},
    {"pipe, edge",
     [](Script& s) {
       int fds[2] = {-1, -1};
       s.host.pipe2(fds, O_NONBLOCK);
       const int e = s.epoll();
       s.watch("add", e, fds[0], EPOLLIN | EPOLLET);
       s.tell("write", s.host.write(fds[1], "x", 1));
       s.events("in", e);
       s.events("none", e);
       s.tell("write", s.host.write(fds[1], "x", 1));
       s.events("in", e);
       s.host.close(fds[1]);
       s.events("hup", e);
     }},
    {"eventfd",
     [](Script& s) {
       const int fd = static_cast<int>(s.host.eventfd(3, EFD_NONBLOCK));
       s.poll("poll", fd);
       read_number(s, "three", fd);
       read_number(s, "nothing", fd);
       s.poll("poll", fd);
       write_number(s, "write", fd, 5);
       write_number(s, "write", fd, 6);
       read_number(s, "eleven", fd);
       write_number(s, "too much", fd, ~std::uint64_t{0});
       write_number(s, "the most", fd, ~std::uint64_t{0} - 1);
       write_number(s, "no room", fd, 1);
       s.poll("poll", fd);
       s.tell("short", s.host.read(fd, nullptr, 4));
       const int semaphore = static_cast<int>(s.host.eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE));
       read_number(s, "one", semaphore);
       read_number(s, "one", semaphore);
       read_number(s, "nothing", semaphore);
       s.tell("flags", s.host.eventfd(0, 12345));
       const int e = s.epoll();
       s.watch("add", e, semaphore, EPOLLIN | EPOLLET);
       write_number(s, "write", semaphore, 1);
       s.events("in", e);
       write_number(s, "write", semaphore, 1);
       s.events("in", e);
     }},
    {"timerfd",
     [](Script& s) {
       const int fd = static_cast<int>(s.host.timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
       s.poll("unarmed", fd);
       read_number(s, "unarmed", fd);
       itimerspec once{};
       once.it_value.tv_nsec = 20000000;
       s.tell("arm", s.host.timerfd_settime(fd, 0, &once));
       s.poll("not yet", fd);
       s.host.pass(std::chrono::milliseconds(40));
       s.poll("expired", fd);
       read_number(s, "once", fd);
       read_number(s, "no more", fd);
       itimerspec often{};
       often.it_value.tv_nsec = 10000000;
       often.it_interval.tv_nsec = 10000000;
       s.tell("arm", s.host.timerfd_settime(fd, 0, &often));
       s.host.pass(std::chrono::milliseconds(55));
       std::uint64_t number = 0;
       s.tell("often", s.host.read(fd, &number, sizeof(number)));
       s.note(number >= 3 && number <= 8 ? "about five" : "not about five");
       itimerspec past{};
       past.it_value.tv_nsec = 1;
       s.tell("in the past", s.host.timerfd_settime(fd, TFD_TIMER_ABSTIME, &past));
       s.poll("at once", fd);
       itimerspec bad{};
       bad.it_value.tv_nsec = 1000000000;
       s.tell("bad", s.host.timerfd_settime(fd, 0, &bad));
       s.tell("not a timer", s.host.timerfd_settime(s.tcp(), 0, &once));
       s.tell("clock", s.host.timerfd_create(17, 0));
     }},
    {"signalfd",
     [](Script& s) {
       const int fd = static_cast<int>(s.host.signalfd(-1, SIGUSR1, O_NONBLOCK));
       char buffer[500] = {};
       const int e = s.epoll();
       s.watch("add", e, fd, EPOLLIN);
       s.tell("none", s.host.read(fd, buffer, sizeof(buffer)));
       s.poll("none", fd);
       s.events("none", e);
       s.host.raise(SIGUSR1);
       s.host.raise(SIGUSR1);
       s.host.raise(SIGUSR2);
       s.poll("in", fd);
       s.events("in", e);
       s.tell("short", s.host.read(fd, buffer, 10));
       s.tell("one", s.host.read(fd, buffer, sizeof(buffer)));
       std::uint32_t number = 0;
       std::memcpy(&number, buffer, sizeof(number));
       s.tell("which", number);
       s.tell("no more", s.host.read(fd, buffer, sizeof(buffer)));
       s.signal("the other");
       s.signal("none");
     }},
    {"descriptors",
     [](Script& s) {
       s.tell("close of none", s.host.close(999));
       s.tell("read of none", s.host.read(999, nullptr, 0));
       const int fd = s.tcp();
       s.host.close(fd);
       s.tell("the lowest again", s.tcp() == fd ? 1 : 0);
       s.tell("dup2", s.host.dup2(fd, 300) == 300 ? 1 : 0);
       s.tell("to itself", s.host.dup2(fd, fd) == fd ? 1 : 0);
       s.tell("of none", s.host.dup2(999, 301));
       s.tell("to none", s.host.dup2(fd, -1));
       s.tell("family", s.host.socket(4711, SOCK_STREAM, 0));
       s.tell("protocol", s.host.socket(AF_INET, SOCK_STREAM, 17));
     }},
};

}  // namespace

std::vector<NamedScript> pipe_scripts() { return kPipeScripts; }

}  // namespace sockdrill::sim
