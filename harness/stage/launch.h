#pragma once

// A Launch as a request to the agent, and the agent's refusal as words for people.

#include <string>

#include "harness/base/fd.h"
#include "harness/base/result.h"
#include "harness/stage/agent_process.h"
#include "harness/stage/protocol.h"
#include "harness/stage/stage.h"

namespace sockdrill {

struct StartRequest {
  protocol::Start start;
  OwnedFd words;  ///< a memory file: working directory, argv, environment
};

/// `marker` ("NAME=value") is added to the environment.
Result<StartRequest> make_start_request(const Launch& launch, const std::string& marker);

/// "redis-serverr: not found in PATH".
Error explain_refusal(const Launch& launch, protocol::Step step, Errno error);

/// From a wait status.
ExitStatus exit_status_of(int wait_status);

}  // namespace sockdrill
