// Scenarios, from values to JSON. The inverse of read_scenario().

#include "harness/scenario/words.h"

#include <fmt/format.h>

#include "harness/base/overload.h"

namespace sockdrill {

namespace {

Json write_from(const From& from) {
  if (from.is_unnamed) return "unnamed";
  Json json = Json::object();
  if (!from.address.empty()) json["address"] = from.address;
  if (from.port) json["port"] = *from.port;
  if (from.is_same_port) json["port"] = "again";
  return json;
}

Json write_buffers(const std::optional<std::uint32_t>& receive,
                   const std::optional<std::uint32_t>& send, const From& from) {
  Json json = Json::object();
  if (receive) json["receive_buffer"] = *receive;
  if (send) json["send_buffer"] = *send;
  if (from != From{}) json["from"] = write_from(from);
  return json;
}

Json write_cut(const Cut& cut) {
  if (cut.kind == Cut::Kind::every_byte) return "every-byte";
  if (cut.kind == Cut::Kind::every_offset) return "every-offset";
  return cut.at;
}

Json write_outcome(const Outcome& outcome) {
  using What = Outcome::What;
  Json json = Json::object();
  switch (outcome.what) {
    case What::unsaid:
      break;
    case What::nothing:
      json["nothing"] = true;
      break;
    case What::served:
      json["served"] = true;
      break;
    case What::sent:
      json["bytes"] = "=sent";
      break;
    case What::octets:
      json["bytes"] = write_payload(outcome.payload);
      break;
    case What::message:
      json["message"] = outcome.is_sent ? Json("=sent") : write_payload(outcome.payload);
      break;
    case What::reply:
      json["reply"] = outcome.number;
      break;
    case What::at_least:
      json["at_least"] = outcome.number;
      break;
  }
  if (outcome.then != Then::unsaid) json["then"] = to_string(outcome.then);
  if (outcome.is_warning) json["grade"] = "warn";
  if (!outcome.because.empty()) json["because"] = outcome.because;
  return json;
}

Json write_send(const Send& send) {
  Json json = write_payload(send.payload);
  if (send.cut.kind != Cut::Kind::none) json["cut"] = write_cut(send.cut);
  if (send.urgent) json["urgent"] = true;
  if (send.until_blocked) json["until"] = "blocked";
  if (send.reads_meanwhile == send.until_blocked)
    json["meanwhile"] = send.reads_meanwhile ? "read" : "ignore";
  if (!send.to.empty()) json["to"] = send.to;
  if (!send.fails.empty()) json["fails"] = send.fails;
  return json;
}

Json write_expect(const Expect& expect) {
  Json json = expect.one_of.size() == 1 ? write_outcome(expect.one_of[0]) : Json::object();
  if (expect.one_of.size() > 1) {
    for (const Outcome& outcome : expect.one_of) json["one_of"].push_back(write_outcome(outcome));
  }
  if (expect.within_ms) json["within_ms"] = *expect.within_ms;
  return json;
}

Json write_connect(const Connect& connect) {
  Json json = write_buffers(connect.receive_buffer, connect.send_buffer, connect.from);
  if (!connect.to.empty()) json["to"] = connect.to;
  if (connect.outcome != std::vector<ConnectOutcome>{ConnectOutcome::connected}) {
    for (const ConnectOutcome outcome : connect.outcome)
      json["outcome"].push_back(name_in(connect_words(), outcome));
  }
  return json;
}

Json write_run(const Run& run) {
  Json json{{"command", run.command}};
  if (run.input != Payload{}) json["input"] = write_payload(run.input);
  if (run.exit != 0) json["exit"] = run.exit ? Json(*run.exit) : Json("any");
  if (run.output) json["output"] = write_payload(*run.output);
  if (run.output_is_input) json["output"] = "=input";
  return json;
}

Json write_client_action(const ClientAction& action) {
  return std::visit(
      Overload{[](const Connect& c) { return write_connect(c); },
               [](const Open& o) {
                 Json json = write_buffers(o.receive_buffer, o.send_buffer, o.from);
                 if (o.broadcast) json["broadcast"] = true;
                 return json;
               },
               [](const Send& s) { return write_send(s); },
               [](const Expect& e) { return write_expect(e); },
               [](const ExchangeStep& e) {
                 Json json = write_payload(e.payload);
                 if (e.cut.kind != Cut::Kind::none) json["cut"] = write_cut(e.cut);
                 return json;
               },
               [](const Shutdown& s) { return Json(name_in(shutdown_words(), s.how)); },
               [](const Close& c) { return c.at_once ? Json("at-once") : Json(Json::object()); },
               [](const Reset&) { return Json(Json::object()); },
               [](const Drain&) { return Json(Json::object()); },
               [](const Read& r) {
                 return Json{{"bytes", r.bytes}};
               },
               [](const Run& r) { return write_run(r); }},
      action);
}

Json write_server_expect(const ServerExpect& expect) {
  Json json = Json::object();
  if (expect.exit != ServerExpect::Exit::unsaid)
    json["exit"] = expect.exit == ServerExpect::Exit::any ? "any" : "declared";
  if (expect.within_ms) json["within_ms"] = *expect.within_ms;
  if (expect.leaves_nothing) json["left_over"] = "nothing";
  if (expect.is_quiet) json["cpu"] = "quiet";
  if (expect.memory_growth) json["memory_growth"] = *expect.memory_growth;
  if (expect.is_declared_growth) json["memory_growth"] = "declared";
  if (expect.zombies) json["zombies"] = *expect.zombies;
  if (expect.close_wait) json["close_wait"] = *expect.close_wait;
  if (expect.descriptors) json["descriptors"] = *expect.descriptors;
  if (expect.is_listening) json["listening"] = true;
  return json;
}

Json write_from_here(const FromHere& from_here) {
  Json value = Json::object();
  if (!from_here.faults.empty()) value["faults"] = write_faults(from_here.faults);
  if (from_here.schedule != Schedule{}) value["schedule"] = write_schedule(from_here.schedule);
  return Json{{"from_here", std::move(value)}};
}

Json write_server_action(const ServerAction& action) {
  return std::visit(
      Overload{[](const Settled&) { return Json("settled"); },
               [](const Stop&) { return Json("stop"); },
               [](const Continue&) { return Json("continue"); },
               [](const Signal& s) {
                 return Json{{"signal", s.name}};
               },
               [](const Restart& r) {
                 Json value{{"with", r.with}};
                 if (r.closed_streams) value["streams"] = "closed";
                 if (!r.ignoring.empty()) value["ignoring"] = r.ignoring;
                 if (r.path_bytes) value["path_bytes"] = *r.path_bytes;
                 return Json{{"restart", value}};
               },
               [](const Second& s) {
                 Json value{{"says", s.says}};
                 if (s.port != Second::Port::usual)
                   value["port"] = s.port == Second::Port::zero ? "zero" : "privileged";
                 if (s.path_bytes) value["path_bytes"] = *s.path_bytes;
                 return Json{{"second", std::move(value)}};
               },
               [](const Limit& l) {
                 if (l.of == Limit::Of::processes)
                   return Json{{"limit", {{"processes", l.is_lifted ? "none" : "reached"}}}};
                 Json value = l.is_lifted     ? Json("none")
                              : l.is_relative ? Json(fmt::format("+{}", l.descriptors))
                                              : Json(l.descriptors);
                 return Json{{"limit", {{"descriptors", std::move(value)}}}};
               },
               [](const Output& o) {
                 return Json{{"output", o.is_read ? "read" : "unread"}};
               },
               [](const ServerExpect& e) {
                 return Json{{"expect", write_server_expect(e)}};
               },
               [](const FromHere& f) { return write_from_here(f); }},
      action);
}

Json write_crowd(const CrowdStep& crowd) {
  Json json{{"clients", crowd.count ? Json(*crowd.count) : Json(crowd.name)}};
  if (crowd.count) json["named"] = crowd.name;
  if (crowd.at_once) json["at_once"] = *crowd.at_once;
  for (const ClientAction& action : crowd.each)
    json["each"].push_back({{word_of(action), write_client_action(action)}});
  return json;
}

Json write_step(const Step& step) {
  Json json = std::visit(
      Overload{
          [](const ClientStep& s) {
            return Json{{"client", s.client}, {word_of(s.action), write_client_action(s.action)}};
          },
          [](const ServerStep& s) {
            return Json{{"server", write_server_action(s.action)}};
          },
          [](const CrowdStep& s) { return write_crowd(s); },
          [](const RepeatStep& s) {
            return Json{{"repeat", s.times}, {"steps", write_steps(s.steps)}};
          }},
      step.what);
  if (!step.note.empty()) json["note"] = step.note;
  return json;
}

/// Text that looks like a parameter gets another '$', which reading takes off again.
void keep_dollars(Json& json) {
  if (json.is_structured()) {
    for (auto& part : json) keep_dollars(part);
  } else if (json.is_string()) {
    const auto text = json.get<std::string>();
    if (text.starts_with("$$") || parameter_in(text)) json = "$" + text;
  }
}

}  // namespace

std::string word_of(const ClientAction& action) {
  static const char* const words[] = {"connect", "open",  "send",  "expect", "exchange", "shutdown",
                                      "close",   "reset", "drain", "read",   "run"};
  return words[action.index()];
}

std::string word_of(const ServerAction& action) {
  static const char* const words[] = {"settled", "stop",  "continue", "signal", "restart",
                                      "second",  "limit", "output",   "expect", "from_here"};
  return words[action.index()];
}

Json write_steps(const std::vector<Step>& steps) {
  Json json = Json::array();
  for (const Step& step : steps) json.push_back(write_step(step));
  return json;
}

Json write_applies(const Applies& applies) {
  Json json = Json::object();
  for (const Transport transport : applies.transport)
    json["transport"].push_back(to_string(transport));
  for (const std::string& word : applies.speaks) json["speaks"].push_back(word);
  if (applies.concurrent) json["concurrency"] = *applies.concurrent ? "concurrent" : "iterative";
  if (applies.is_ipv6) json["family"] = "ipv6";
  if (applies.broadcast_link) json["network"] = "broadcast";
  for (const std::string& word : applies.declares) json["declares"].push_back(word);
  if (applies.broadcasts) json["declares"].push_back("broadcasts");
  return json;
}

Json write_scenario(const Scenario& scenario) {
  Json json{{"id", scenario.id}};
  if (!scenario.catalogue.empty()) json["catalogue"] = scenario.catalogue;
  json["level"] = to_string(scenario.level);
  json["summary"] = scenario.summary;
  if (!scenario.source.empty()) json["source"] = scenario.source;
  if (!scenario.catches.empty()) json["catches"] = scenario.catches;
  if (scenario.applies != Applies{}) json["applies"] = write_applies(scenario.applies);
  if (scenario.fresh_server_each_case) json["each_case"] = "fresh-server";
  json["steps"] = write_steps(scenario.steps);
  keep_dollars(json["steps"]);
  if (!scenario.faults.empty()) json["faults"] = write_faults(scenario.faults);
  if (scenario.schedule != Schedule{}) json["schedule"] = write_schedule(scenario.schedule);
  return json;
}

std::string write_scenario_file(const Scenario& scenario) {
  std::string text = "{\n";
  const Json json = write_scenario(scenario);
  for (const auto& [key, value] : json.items()) {
    text += fmt::format("  {}: ", Json(key).dump());
    const bool has_lines = (key == "steps" || key == "faults") && !value.empty();
    if (has_lines) {
      for (std::size_t i = 0; i < value.size(); ++i)
        text += fmt::format("{}\n    {}", i == 0 ? "[" : ",", value[i].dump());
      text += "\n  ]";
    } else {
      text += value.dump();
    }
    text += key == std::prev(json.end()).key() ? "\n" : ",\n";
  }
  return text + "}\n";
}

}  // namespace sockdrill
