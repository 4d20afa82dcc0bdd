#include "harness/stage/launch.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sockdrill {

using protocol::Start;
using protocol::Step;

namespace {

std::map<std::string, std::string> merged_environment(const Launch& launch,
                                                      const std::string& marker) {
  std::map<std::string, std::string> merged = launch.environment;
  for (char** word = environ; word != nullptr && *word != nullptr; ++word) {
    const std::string_view text{*word};
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    merged.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  const std::size_t equals = marker.find('=');
  merged[marker.substr(0, equals)] = marker.substr(equals + 1);
  return merged;
}

/// Neither argv nor an environment can.
bool has_nul(const Launch& launch) {
  const auto holds = [](const std::string& text) { return text.find('\0') != std::string::npos; };
  return holds(launch.working_directory) || std::ranges::any_of(launch.command, holds) ||
         std::ranges::any_of(launch.environment, [&holds](const auto& variable) {
           return holds(variable.first) || holds(variable.second);
         });
}

void set_limits(const ProcessLimits& limits, Start& start) {
  const auto put = [&start](const std::optional<std::uint64_t>& limit, std::uint32_t flag,
                            std::uint64_t& into) {
    if (!limit) return;
    start.limit_flags |= flag;
    into = *limit;
  };
  put(limits.descriptors, protocol::kLimitsDescriptors, start.descriptors);
  put(limits.memory_bytes, protocol::kLimitsMemory, start.memory_bytes);
  put(limits.processes, protocol::kLimitsProcesses, start.processes);
}

SysResult<OwnedFd> memory_file_with(const std::string& content) {
  OwnedFd file{::memfd_create("sockdrill-start", MFD_CLOEXEC)};
  if (!file.is_open()) return fail(last_errno());
  std::size_t written = 0;
  while (written < content.size()) {
    const ssize_t count = ::write(file.raw(), content.data() + written, content.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(last_errno());
    written += static_cast<std::size_t>(count);
  }
  return file;
}

/// What exec(2) says, in the words of a shell.
std::string exec_refusal(Errno error) {
  switch (error.value) {
    case ENOENT:
      return "no such file";
    case EACCES:
      return "permission denied";
    case ENOEXEC:
      return "neither a program of this machine nor a script with a #! line";
    case EISDIR:
      return "is a directory";
    case E2BIG:
      return "arguments and environment are too long";
    default:
      return describe(error);
  }
}

}  // namespace

Result<StartRequest> make_start_request(const Launch& launch, const std::string& marker) {
  if (launch.command.empty() || launch.command[0].empty()) return fail("the command is empty");
  if (has_nul(launch)) return fail("a command and its environment cannot hold NUL bytes");
  const auto environment = merged_environment(launch, marker);
  std::string words = launch.working_directory + '\0';
  for (const std::string& argument : launch.command) words += argument + '\0';
  for (const auto& [name, value] : environment) words += name + '=' + value + '\0';

  StartRequest request;
  request.start.words_bytes = words.size();
  request.start.argument_count = static_cast<std::uint32_t>(launch.command.size());
  request.start.environment_count = static_cast<std::uint32_t>(environment.size());
  request.start.closed_streams = launch.inheritance.closed_streams ? 1 : 0;
  request.start.ignored_signal = static_cast<std::uint32_t>(launch.inheritance.ignored_signal);
  request.start.as_ordinary_user = launch.as_ordinary_user ? 1 : 0;
  request.start.without_low_ports = launch.without_low_ports ? 1 : 0;
  request.start.has_gate = launch.has_process_limit ? 1 : 0;
  set_limits(launch.limits, request.start);
  auto file = memory_file_with(words);
  if (!file) return fail(fmt::format("memfd_create: {}", describe(file.error())));
  request.words = std::move(*file);
  return request;
}

Error explain_refusal(const Launch& launch, Step step, Errno error) {
  const std::string& name = launch.command[0];
  const auto limit = [&](const std::optional<std::uint64_t>& value, std::string_view what) {
    return Error{fmt::format("{}: cannot limit {} to {}: {}", name, what, value.value_or(0),
                             describe(error)),
                 {}};
  };
  switch (step) {
    case Step::search_path:
      return Error{name + ": not found in PATH", {}};
    case Step::interpreter:
      return Error{name + ": the interpreter or loader that it names does not exist", {}};
    case Step::exec:
      return Error{name + ": " + exec_refusal(error), {}};
    case Step::working_directory:
      return Error{fmt::format("{}: working directory {}: {}", name, launch.working_directory,
                               describe(error)),
                   {}};
    case Step::descriptor_limit:
      return limit(launch.limits.descriptors, "descriptors");
    case Step::memory_limit:
      return limit(launch.limits.memory_bytes, "memory");
    case Step::process_limit:
      return limit(launch.limits.processes, "processes");
    default:
      return Error{fmt::format("{}: {}: {}", name, to_string(step), describe(error)), {}};
  }
}

ExitStatus exit_status_of(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    return {.was_signalled = true,
            .code = WTERMSIG(wait_status),
            .dumped_core = WCOREDUMP(wait_status) != 0};
  }
  return {.was_signalled = false, .code = WEXITSTATUS(wait_status)};
}

std::string to_string(const ExitStatus& status) {
  if (!status.was_signalled) return fmt::format("exited with status {}", status.code);
  const char* abbreviation = ::sigabbrev_np(status.code);
  const std::string name = abbreviation != nullptr
                               ? fmt::format("SIG{} (signal {})", abbreviation, status.code)
                               : fmt::format("signal {}", status.code);
  return fmt::format("was killed by {}{}", name, status.dumped_core ? ", core dumped" : "");
}

}  // namespace sockdrill
