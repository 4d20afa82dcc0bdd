#include "harness/sim/libc/simulation.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "harness/base/check.h"
#include "harness/sim/libc/calls.h"

namespace sockdrill::sim {

namespace {

/// Real descriptors that are open before a server runs: daemons close all they find.
std::vector<bool> numbers_of_ours;

void note_numbers_of_ours() {
  numbers_of_ours.assign(kFirstRealNumber, false);
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
    const auto number = static_cast<std::size_t>(std::atoi(entry.path().filename().c_str()));
    if (number >= numbers_of_ours.size()) numbers_of_ours.resize(number + 1);
    numbers_of_ours[number] = true;
  }
  // That of the folder itself is closed by now, and free.
  for (std::size_t number = 0; number < numbers_of_ours.size(); ++number) {
    if (numbers_of_ours[number] && call_kernel(SYS_fcntl, as_long(number), F_GETFD) < 0)
      numbers_of_ours[number] = false;
  }
}

}  // namespace

Simulation* the_simulation = nullptr;

Simulation::Simulation(ServerProgram program, ServerMemory memory)
    : program_(std::move(program)),
      kernel_(std::make_unique<Kernel>(&paths_)),
      scheduler_(std::make_unique<Scheduler>(*kernel_, std::move(memory))) {
  SOCKDRILL_CHECK(the_simulation == nullptr, "one simulation at a time");
  scheduler_->images().keep_pristine();
  the_simulation = this;
}

Simulation::~Simulation() { the_simulation = nullptr; }

bool is_ours(int fd) {
  const auto number = static_cast<std::size_t>(fd);
  return number >= kFirstRealNumber && number < numbers_of_ours.size() && numbers_of_ours[number];
}

Process* Simulation::start_server() {
  if (numbers_of_ours.empty())
    note_numbers_of_ours();  // once: what a server has opened since is not ours
  else
    optind = 0;  // the C library's, where an earlier server has left it: it begins anew (getopt(3))
  Process& process = kernel_->create_process(nullptr);
  process.command = program_.arguments.empty() ? "" : program_.arguments[0];
  process.most_descriptors = kFirstRealNumber;
  scheduler_->images().start_pristine(process);
  for (int fd = 0; fd < 3; ++fd) {
    // At its number: the table is empty.
    static_cast<void>(process.descriptors.put(fd, make_ref<OutsideFile>(*kernel_, fd), false));
  }
  Task* task = scheduler_->start_process(process, [this] {
    // As long as the process lives: a main() may keep pointers into them.
    auto* arguments = new std::vector<std::string>(program_.arguments);
    auto* pointers = new std::vector<char*>();
    for (std::string& argument : *arguments) pointers->push_back(argument.data());
    pointers->push_back(nullptr);
    end_with_handlers(
        program_.main(static_cast<int>(arguments->size()), pointers->data(), program_.environment));
  });
  return task == nullptr ? nullptr : &process;
}

void Simulation::note_not_simulated(const std::string& what) {
  if (not_simulated_.empty()) not_simulated_ = what;
}

Outcome<SocketPaths::Node> RealSocketPaths::find(const std::string& path) {
  struct stat status {};
  const long result = call_kernel(SYS_stat, as_long(path.c_str()), as_long(&status));
  if (result < 0) return refuse(static_cast<int>(-result));
  if (!S_ISSOCK(status.st_mode)) return refuse(ECONNREFUSED);
  return status.st_ino ^ (status.st_dev << 48U);
}

Outcome<SocketPaths::Node> RealSocketPaths::create(const std::string& path) {
  const long result = call_kernel(SYS_mknod, as_long(path.c_str()), S_IFSOCK | 0777);
  if (result < 0) return refuse(result == -EEXIST ? EADDRINUSE : static_cast<int>(-result));
  return find(path);
}

void reserve_descriptors() {
  rlimit limit{};
  call_kernel(SYS_getrlimit, RLIMIT_NOFILE, as_long(&limit));
  if (limit.rlim_cur < kFirstRealNumber * 2) {
    limit.rlim_cur = std::min<rlim_t>(kFirstRealNumber * 2, limit.rlim_max);
    call_kernel(SYS_setrlimit, RLIMIT_NOFILE, as_long(&limit));
  }
  // O_PATH: whatever a call that we miss does with it is EBADF.
  const long path = call_kernel(SYS_open, as_long("/"), O_PATH | O_CLOEXEC);
  if (path < 0) return;
  for (;;) {
    const long copy = call_kernel(SYS_fcntl, path, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) return;
    if (copy >= kFirstRealNumber) {
      call_kernel(SYS_close, copy);
      return;
    }
  }
}

}  // namespace sockdrill::sim
