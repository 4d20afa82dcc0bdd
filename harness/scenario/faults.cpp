#include "harness/scenario/faults.h"

#include <algorithm>

#include <fmt/format.h>

#include "harness/base/check.h"
#include "harness/base/text.h"
#include "harness/base/try.h"
#include "harness/scenario/bounds.h"
#include "harness/scenario/words.h"

namespace sockdrill {

namespace {

using Call = Fault::Call;
using Effect = Fault::Effect;

struct CallTraits {
  Call call;
  std::string word;
  std::vector<std::string> errors;
};

/// accept(2), recv(2), send(2), poll(2), socket(2), fork(2), pthread_create(3). What stands first
/// stays first: encoded scenarios name calls and errors by their place.
const std::vector<CallTraits>& fault_calls() {
  static const std::vector<CallTraits> all{
      {Call::accept,
       "accept",
       {"ECONNABORTED", "EAGAIN", "EINTR", "EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EPROTO"}},
      {Call::receive,
       "receive",
       {"EINTR", "EAGAIN", "ECONNRESET", "ETIMEDOUT", "EHOSTUNREACH", "ENOMEM"}},
      {Call::send,
       "send",
       {"EINTR", "EAGAIN", "EPIPE", "ECONNRESET", "ETIMEDOUT", "EHOSTUNREACH", "ENOBUFS",
        "ENOMEM"}},
      {Call::wait, "wait", {"EINTR"}},
      {Call::open, "open", {"EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"}},
      {Call::fork, "fork", {"EAGAIN", "ENOMEM"}},
      {Call::thread, "thread", {"EAGAIN"}}};
  return all;
}

const CallTraits& traits_of(Call call) {
  const auto found = std::find_if(fault_calls().begin(), fault_calls().end(),
                                  [&](const CallTraits& t) { return t.call == call; });
  SOCKDRILL_CHECK(found != fault_calls().end(), "a kind of call without a word");
  return *found;
}

const Words<Call>& call_words() {
  static const Words<Call> words = [] {
    Words<Call> all;
    for (const CallTraits& traits : fault_calls()) all.emplace_back(traits.call, traits.word);
    return all;
  }();
  return words;
}

Result<Fault> read_fault(const Node& node) {
  TRY_VOID(node.allow_only({"call", "nth", "fails", "at_most", "spurious"}));
  Fault fault{
      .call = TRY(read_word(TRY(node.required("call")), call_words())),
      .nth = static_cast<std::uint64_t>(TRY(TRY(node.required("nth")).as_integer(1, kMostNth)))};
  const int effects = static_cast<int>(node.has("fails")) + static_cast<int>(node.has("at_most")) +
                      static_cast<int>(node.has("spurious"));
  if (effects != 1)
    return tl::unexpected(node.error("a fault does one thing: fails, at_most or spurious"));
  if (node.has("fails")) {
    fault.error = TRY(node.at("fails").as_word(errors_of(fault.call)));
    return fault;
  }
  if (node.has("at_most")) {
    if (!may_fall_short(fault.call))
      return tl::unexpected(node.at("at_most").error("only receive and send can fall short"));
    fault.effect = Effect::falls_short;
    fault.octets =
        static_cast<std::uint64_t>(TRY(node.at("at_most").as_integer(1, kMostShortOctets)));
    return fault;
  }
  if (!may_be_spurious(fault.call))
    return tl::unexpected(node.at("spurious").error("only wait can be spurious"));
  if (!TRY(node.at("spurious").as_bool()))
    return tl::unexpected(node.at("spurious").expected("true"));
  fault.effect = Effect::spurious;
  return fault;
}

}  // namespace

const std::vector<std::string>& errors_of(Call call) { return traits_of(call).errors; }
bool may_fall_short(Call call) { return call == Call::receive || call == Call::send; }
bool may_be_spurious(Call call) { return call == Call::wait; }
std::string to_string(Call call) { return traits_of(call).word; }

std::string effect_of(const Fault& fault) {
  switch (fault.effect) {
    case Effect::fails:
      return "fails with " + fault.error;
    case Effect::falls_short:
      return "moves at most " + count_of(fault.octets, "octet");
    case Effect::spurious:
      return "tells of readiness that is none";
  }
  return {};
}

const std::vector<Call>& all_fault_calls() {
  static const std::vector<Call> calls = [] {
    std::vector<Call> all;
    for (const CallTraits& traits : fault_calls()) all.push_back(traits.call);
    return all;
  }();
  return calls;
}

Result<std::vector<Fault>> read_faults(const Node& node) {
  if (!node.is_array() || node.json().size() > kMostFaults)
    return tl::unexpected(node.expected(fmt::format("an array of at most {} faults", kMostFaults)));
  std::vector<Fault> faults;
  for (const Node& item : node.items()) faults.push_back(TRY(read_fault(item)));
  return faults;
}

Json write_faults(const std::vector<Fault>& faults) {
  Json json = Json::array();
  for (const Fault& fault : faults) {
    Json item{{"call", to_string(fault.call)}, {"nth", fault.nth}};
    if (fault.effect == Effect::fails) item["fails"] = fault.error;
    if (fault.effect == Effect::falls_short) item["at_most"] = fault.octets;
    if (fault.effect == Effect::spurious) item["spurious"] = true;
    json.push_back(std::move(item));
  }
  return json;
}

Result<Schedule> read_schedule(const Node& node) {
  TRY_VOID(node.allow_only({"seed", "choices"}));
  Schedule schedule;
  if (node.has("seed"))
    schedule.seed = static_cast<std::uint64_t>(TRY(node.at("seed").as_integer(0, kLargestSeed)));
  if (!node.has("choices")) return schedule;
  const Node choices = node.at("choices");
  if (!choices.is_array() || choices.json().size() > kMostChoices)
    return tl::unexpected(
        choices.expected(fmt::format("an array of at most {} choices", kMostChoices)));
  for (const Node& item : choices.items())
    schedule.choices.push_back(static_cast<std::uint8_t>(TRY(item.as_integer(0, 255))));
  return schedule;
}

Json write_schedule(const Schedule& schedule) {
  Json json = Json::object();
  if (schedule.seed != 0) json["seed"] = schedule.seed;
  if (!schedule.choices.empty()) json["choices"] = schedule.choices;
  return json;
}

}  // namespace sockdrill
