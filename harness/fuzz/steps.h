#pragma once

// What is done to steps, wherever they stand: visited, renamed, unfolded. Internal to fuzz/.

#include <functional>

#include "harness/scenario/scenario.h"

namespace sockdrill {

/// Every step, in the order of the text; a repeat before those inside of it.
void for_each_step(const std::vector<Step>& steps, const std::function<void(const Step&)>& visit);
void for_each_step(std::vector<Step>& steps, const std::function<void(Step&)>& visit);
/// Every client's action, in the order of the text, also those inside of crowds and repeats.
void for_each_action(std::vector<Step>& steps, const std::function<void(ClientAction&)>& visit);
/// Every payload: what is sent, and what is expected; with the parts it is made of.
void for_each_payload(std::vector<Step>& steps, const std::function<void(Payload&)>& visit);
void for_each_payload(ClientAction& action, const std::function<void(Payload&)>& visit);

/// As text where they can be.
Payload octets_payload(Bytes octets);

/// What the kernel does: the scenario's own faults and schedule, then those of each step.
void for_each_faults(Scenario& scenario,
                     const std::function<void(std::vector<Fault>&, Schedule&)>& visit);

/// No notes, and no clauses.
void drop_notes(std::vector<Step>& steps);
/// a, b, c ... in the order in which clients, crowds and patterns are first named.
void rename_clients(std::vector<Step>& steps);
/// A repeat is played once, step by step; a crowd becomes one client. Other steps stay.
void unfold(std::vector<Step>& steps, std::size_t at);

}  // namespace sockdrill
