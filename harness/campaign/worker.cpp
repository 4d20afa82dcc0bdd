#include "harness/campaign/worker.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <fmt/format.h>

#include "harness/base/fd.h"
#include "harness/base/try.h"
#include "harness/suite/preloadable.h"

namespace sockdrill {

namespace {

constexpr std::chrono::seconds kPatienceToStart{10};

Result<const FuzzCounters*> map_counters(const std::string& file) {
  const FuzzCounters none;
  const std::string_view octets(reinterpret_cast<const char*>(&none), sizeof none);
  if (const auto written = write_file(file, octets); !written)
    return fail(describe(written.error()), file);
  const OwnedFd fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  void* const place =
      fd.is_open() ? ::mmap(nullptr, sizeof none, PROT_READ, MAP_SHARED, fd.raw(), 0) : MAP_FAILED;
  if (place == MAP_FAILED) return fail(describe(last_errno()), file);
  return static_cast<const FuzzCounters*>(place);
}

}  // namespace

Worker::~Worker() {
  if (counters_ != nullptr) ::munmap(const_cast<FuzzCounters*>(counters_), sizeof *counters_);
}

Result<std::unique_ptr<Worker>> Worker::start(const Home& home, FuzzRequest request,
                                              const Placeholders& places,
                                              const std::string& library) {
  std::unique_ptr<Worker> worker(new Worker());
  worker->stage_ = TRY(Stage::open(home, StageOptions{}));
  Stage& stage = *worker->stage_;
  const Target& target = request.target;
  request.port = target.port != 0 ? target.port : kUsualPort;
  request.path = path_of(target, stage.temp_inside());
  worker->counters_ = TRY(map_counters(stage.temp_outside() + "/sockdrill-counters"));
  request.counters = stage.temp_inside() + "/sockdrill-counters";
  const std::string file = "/sockdrill-fuzz.json";
  if (const auto written = write_file(stage.temp_outside() + file, write_fuzz_request(request));
      !written)
    return fail(describe(written.error()), stage.temp_outside() + file);

  const ServerAddress server{.transport = target.transport,
                             .family = target.family,
                             .port = request.port,
                             .path = request.path};
  Launch launch = launch_of(target, placeholders_of(target, server, stage.temp_inside(), places));
  preload(library, launch.environment);
  launch.environment[kFuzzVariable] = stage.temp_inside() + file;
  // One that counts its lines makes a file in our folder as it starts, unless told so; what counts
  // is written where the request says.
  launch.environment["LLVM_PROFILE_FILE"] = "/dev/null";
  worker->process_ = TRY(stage.start(launch, Deadline::after(kPatienceToStart)));
  return worker;
}

std::optional<ExitStatus> Worker::ended() {
  stage_->pump();
  return process_->exited;
}

Fd Worker::news() const { return stage_->news(); }

FuzzCounters Worker::counters() const { return *counters_; }

std::string Worker::said() const { return process_->err.text(); }

std::string Worker::told() const { return process_->out.text(); }

}  // namespace sockdrill
