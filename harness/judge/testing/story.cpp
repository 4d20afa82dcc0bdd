#include "harness/judge/testing/story.h"

namespace sockdrill::testing {

Story::Story(const std::string& steps, const std::string& level, const std::string& target,
             const std::string& listens) {
  const std::string scenario =
      R"({"id": "t/x", "summary": "A test", "level": ")" + level + R"(", "steps": )" + steps + "}";
  const char* const speaks =
      target.find("\"speaks\"") == std::string::npos ? R"("speaks": "echo", )" : "";
  const std::string manifest = R"({"name": "t", "command": ["t"], )" + (speaks + target) +
                               (target.empty() ? "" : ", ") + R"("listens": {"transport": ")" +
                               listens + "\"}}";
  recording_.target = read_targets(parse_document(manifest, "t.json").value()).value().at(0);
  const Check check = read_check(parse_document(scenario, "x.json").value()).value();
  recording_.scenario = check.document.root;
  plan_ = make_plan(check, recording_.target, PlanOptions{}).value();
  steps_ = steps_of(plan_);
  add(Lane::server, Kind::started, "server").number = 100;
  add(Lane::server, Kind::listening, "server");
  harness(Kind::case_began);
}

Event& Story::add(Lane lane, Kind kind, const std::string& who) {
  Event event{.at = Nanoseconds{static_cast<std::int64_t>(recording_.events.size()) * 1'000'000},
              .lane = lane,
              .kind = kind,
              .who = who,
              .step = current_};
  recording_.events.push_back(event);
  return recording_.events.back();
}

Story& Story::step() {
  const PlannedStep& step = *steps_.at(next_++);
  current_ = step.id;
  add(Lane::harness, Kind::step_began, step.client.empty() ? "server" : step.client);
  return *this;
}

Story& Story::ended(const std::string& how) {
  const PlannedStep& step = *steps_.at(next_ - 1);
  add(Lane::harness, Kind::step_ended, step.client.empty() ? "server" : step.client).text = how;
  current_ = -1;
  return *this;
}

Story& Story::client(Kind kind, const std::string& text, const Bytes& octets,
                     const std::string& who) {
  Event& event = add(Lane::client, kind, who);
  event.text = text;
  event.content = Content(octets);
  return *this;
}

Story& Story::server(Kind kind, const std::string& text, std::uint64_t number,
                     const std::string& who) {
  Event& event = add(Lane::server, kind, who);
  event.text = text;
  event.number = number;
  return *this;
}

Story& Story::harness(Kind kind, const std::string& text, std::uint64_t number) {
  Event& event = add(Lane::harness, kind, "");
  event.text = text;
  event.number = number;
  return *this;
}

Story& Story::connected() { return step().client(Kind::opened).client(Kind::connected).ended(); }
Story& Story::sent(const Bytes& octets) { return client(Kind::sent, "", octets); }
Story& Story::sent_urgent(const Bytes& octets) {
  sent(octets);
  note_urgent(recording_.events.back());
  return *this;
}
Story& Story::received(const Bytes& octets) { return client(Kind::received, "", octets); }
Story& Story::fin() { return client(Kind::ended, "fin"); }
Story& Story::reset() { return client(Kind::ended, "reset"); }
Story& Story::restarted_in_vain(const std::string& already_listens) {
  server(Kind::signalled, "SIGTERM").server(Kind::exited, "exited", 0);
  Event& event = add(Lane::server, Kind::started, "server");
  event.number = 8;
  event.detail = already_listens;
  return server(Kind::exited, "exited", 1).wrote("bind: Address already in use\n");
}

Story& Story::left_over(const std::string& listens_on) {
  server(Kind::signalled, "SIGTERM").server(Kind::exited, "exited", 0);
  Event& event = add(Lane::server, Kind::left_over, "server");
  event.text = "pid 7 (worker)";
  event.number = 1;
  event.detail = listens_on;
  return *this;
}

Story& Story::firm_rest() { return harness(Kind::rested, "settled", 1); }

Story& Story::wrote(const Bytes& text, const std::string& stream, const std::string& who) {
  server(Kind::wrote, stream, 0, who);
  recording_.events.back().content = Content(text);
  return *this;
}

Story& Story::observed(const Snapshot& snapshot, const std::string& why) {
  server(Kind::observed, why);
  recording_.events.back().snapshot = snapshot;
  return *this;
}

Story& Story::served_one(const std::string& how) {
  return client(Kind::opened, "", "", "warm-up")
      .client(Kind::sent, "", "hi", "warm-up")
      .client(Kind::received, "", "hi", "warm-up")
      .client(Kind::shut_down, "write", "", "warm-up")
      .client(Kind::ended, how, "", "warm-up")
      .client(Kind::closed, "orderly", "", "warm-up");
}

Story& Story::sampled(const std::string& label, const Resources& resources) {
  server(Kind::sampled, label);
  recording_.events.back().resources = resources;
  return *this;
}

}  // namespace sockdrill::testing
