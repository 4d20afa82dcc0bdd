#include "harness/base/run_program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "harness/base/fd.h"

namespace sockdrill {

ProgramRan run_program(std::vector<std::string> words) {
  const OwnedFd out{::memfd_create("out", MFD_CLOEXEC)};
  const OwnedFd err{::memfd_create("err", MFD_CLOEXEC)};
  posix_spawn_file_actions_t actions{};
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, out.raw(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, err.raw(), STDERR_FILENO);
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  pid_t child = -1;
  ProgramRan ran;
  ran.error =
      Errno{::posix_spawnp(&child, pointers[0], &actions, nullptr, pointers.data(), environ)};
  ::posix_spawn_file_actions_destroy(&actions);
  if (ran.error.value != 0) return ran;
  while (::waitpid(child, &ran.status, 0) < 0 && errno == EINTR) {
  }
  ran.out = contents_of(out);
  ran.err = contents_of(err);
  return ran;
}

}  // namespace sockdrill
