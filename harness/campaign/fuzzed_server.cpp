#include "harness/campaign/fuzzed_server.h"

#include <poll.h>

#include <atomic>
#include <filesystem>

#include <fmt/format.h>

#include "harness/base/text.h"
#include "harness/base/try.h"
#include "harness/suite/preloadable.h"

namespace sockdrill {

Result<FuzzedServer> FuzzedServer::of(const Home& home, const Installation& installation,
                                      const Target& target) {
  namespace fs = std::filesystem;
  FuzzedServer server(home, target);
  std::error_code error;
  server.library_ = fs::absolute(installation.libexec + "/libsockdrill-fuzz.so", error);
  if (!fs::exists(server.library_, error))
    return fail(
        "this build has no libsockdrill-fuzz.so: it is made where clang's libFuzzer is installed, "
        "and not with sanitizers");
  server.places_ = places_of(installation, target);
  const std::string program =
      find_program(filled({target.command.front()}, server.places_).front());
  if (const std::string reason = why_not_preloadable(program); !reason.empty()) return fail(reason);
  return server;
}

Result<std::unique_ptr<Worker>> FuzzedServer::start(std::vector<std::string> words,
                                                    std::vector<std::string> known,
                                                    std::string lines) const {
  return Worker::start(home_,
                       FuzzRequest{.target = target_,
                                   .path = {},
                                   .words = std::move(words),
                                   .known = std::move(known),
                                   .counters = {},
                                   .lines = std::move(lines)},
                       places_, library_);
}

std::optional<ExitStatus> wait_for(Worker& worker, Nanoseconds cap,
                                   const std::atomic<bool>& interrupted) {
  const Deadline deadline = Deadline::after(cap);
  while (!interrupted && !deadline.has_passed()) {
    if (const std::optional<ExitStatus> end = worker.ended()) return end;
    pollfd news{.fd = raw(worker.news()), .events = POLLIN, .revents = 0};
    ::poll(&news, 1, 100);
  }
  return std::nullopt;
}

std::string complaint_in(const std::string& said) {
  constexpr std::string_view kMark = "sockdrill: cannot be fuzzed: ";
  const std::size_t at = said.rfind(kMark);
  if (at == std::string::npos) return {};
  const std::size_t begin = at + kMark.size();
  std::string complaint = said.substr(begin, said.find('\n', begin) - begin);
  // Before it stands what the server wrote.
  const std::size_t end = said.find_last_not_of('\n', at == 0 ? 0 : at - 1);
  if (end == std::string::npos || said.compare(0, at, "\n") == 0) return complaint;
  const std::size_t line = said.rfind('\n', end) + 1;
  const std::string last = said.substr(line, end + 1 - line);
  const bool is_fuzzers = last.starts_with("INFO: ") || last.starts_with("#");
  return is_fuzzers ? complaint
                    : fmt::format("{}; the last it wrote: {}", complaint, quote(last, 200));
}

}  // namespace sockdrill
