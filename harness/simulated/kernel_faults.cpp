#include "harness/simulated/kernel_faults.h"

namespace sockdrill {

namespace {

sim::CallKind kind_of(Fault::Call call) {
  switch (call) {
    case Fault::Call::accept:
      return sim::CallKind::accept;
    case Fault::Call::receive:
      return sim::CallKind::receive;
    case Fault::Call::send:
      return sim::CallKind::send;
    case Fault::Call::wait:
      return sim::CallKind::wait;
    case Fault::Call::open:
      return sim::CallKind::open;
    case Fault::Call::fork:
      return sim::CallKind::fork;
    case Fault::Call::thread:
      return sim::CallKind::thread;
  }
  return sim::CallKind::receive;
}

sim::CallFault::Effect effect_of(Fault::Effect effect) {
  switch (effect) {
    case Fault::Effect::fails:
      return sim::CallFault::Effect::fails;
    case Fault::Effect::falls_short:
      return sim::CallFault::Effect::falls_short;
    case Fault::Effect::spurious:
      return sim::CallFault::Effect::spurious;
  }
  return sim::CallFault::Effect::fails;
}

}  // namespace

std::vector<sim::CallFault> to_kernel(const std::vector<Fault>& faults) {
  std::vector<sim::CallFault> planned;
  for (const Fault& fault : faults)
    planned.push_back({.id = planned.size(),
                       .kind = kind_of(fault.call),
                       .nth = fault.nth,
                       .effect = effect_of(fault.effect),
                       .error = errno_named(fault.error).value,
                       .octets = static_cast<std::size_t>(fault.octets)});
  return planned;
}

}  // namespace sockdrill
