#pragma once

// New inputs out of old ones, with the structure of scenarios and of the target's dialogue in mind:
// steps, clients, payloads, cuts, faults and schedule are changed as what they are.
//
// Pure: the same input and seed give the same output. What comes out is legal.

#include <cstdint>
#include <string_view>

#include "harness/fuzz/compact.h"

namespace sockdrill {

/// One to four changes.
Scenario mutate(Scenario scenario, const Target& target, std::uint64_t seed,
                const Budget& budget = {});
/// The beginning of one, then the rest of the other, or both with their steps interleaved; faults
/// and schedule of either.
Scenario cross_over(const Scenario& one, const Scenario& other, const Target& target,
                    std::uint64_t seed, const Budget& budget = {});

/// The same on compact forms, without texts, and not longer than `most` octets: what does not fit
/// loses steps.
Bytes mutate_form(std::string_view form, const Target& target, std::uint64_t seed, std::size_t most,
                  const Budget& budget = {});
Bytes cross_over_forms(std::string_view one, std::string_view other, const Target& target,
                       std::uint64_t seed, std::size_t most, const Budget& budget = {});

// Which changes there are; each is one draw of mutate().

class Draw;
void mutate_steps(std::vector<Step>& steps, const Target& target, Draw& draw);
/// Somewhere in the steps; false when there is no payload.
bool mutate_a_payload(std::vector<Step>& steps, const Target& target, Draw& draw);
bool mutate_a_cut(std::vector<Step>& steps, Draw& draw);
void mutate_faults(std::vector<Fault>& faults, Draw& draw);
void mutate_schedule(Schedule& schedule, Draw& draw);

/// Any request of the dialogue. Half of the time its fields have one of a few values that those of
/// the same name have elsewhere, too: what a server keeps under a name (a key, a user, a file) is
/// met again under that name alone.
Payload drawn_request(const Dialogue& dialogue, Draw& draw);
/// A request of the dialogue part by part, so that its parts can be changed each: lengths are those
/// of their fields, or, when `lies`, wrong ones, now and then with more octets behind.
Payload spell_out(const Exchange& exchange, bool lies, Draw& draw);

}  // namespace sockdrill
