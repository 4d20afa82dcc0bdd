// Events in words.

#include <fmt/format.h>

#include "harness/report/ladder.h"
#include "harness/report/visible.h"

namespace sockdrill {

namespace {

std::string bytes(std::uint64_t count) { return count_of(static_cast<std::size_t>(count), "byte"); }

std::string with(const std::string& text, const char* between, const std::string& more) {
  return more.empty() ? text : text + between + visible(more);
}

std::string error_word(const Event& event) {
  return event.error == Errno{} ? "" : fmt::format(" ({})", name_of(event.error));
}

LadderRow client_row(const Event& event) {
  const auto row = [](Shape shape, std::string text) {
    return LadderRow{.shape = shape, .text = std::move(text)};
  };
  switch (event.kind) {
    case Kind::opened:
      return row(Shape::client_note, with("opens", " ", event.text));
    case Kind::connected:
      return row(Shape::to_server, with("connect", " ", event.text));
    case Kind::connect_failed:
      return row(Shape::refused, with("connect", ": ", event.text) + error_word(event));
    case Kind::sent:
      return row(Shape::to_server, with("", " to ", event.text) + with("", ", ", event.detail));
    case Kind::send_failed:
      return row(Shape::refused, fmt::format("send fails{}: {} did not get out", error_word(event),
                                             bytes(event.number)));
    case Kind::blocked:
      return row(Shape::client_note,
                 fmt::format("the server takes no more; {} got out", bytes(event.number)));
    case Kind::received:
      return row(Shape::to_client, with("", " from ", event.text));
    case Kind::ended:
      return row(Shape::to_client, fmt::format("{}{} after {}", visible(event.text),
                                               error_word(event), bytes(event.number)));
    case Kind::shut_down:
      return event.text == "read"
                 ? row(Shape::client_note, "shuts down reading")
                 : row(Shape::to_server, "shut down " + visible(event.text) + ": fin");
    case Kind::closed:
      return row(Shape::to_server,
                 event.text == "orderly" ? "close" : with("close", " ", event.text));
    case Kind::was_reset:
      return row(Shape::to_server, "reset");
    case Kind::ran:
      return row(Shape::client_note, with("program", " ", event.text));
    default:
      return row(Shape::client_note, with(to_string(event.kind), ": ", event.text));
  }
}

std::string sample_text(const Event& event) {
  std::string text = visible(event.text);
  if (!event.resources) return text;
  const Resources& r = *event.resources;
  const auto add = [&](int count, const char* noun) {
    text += ", " + count_of(static_cast<std::size_t>(std::max(count, 0)), noun);
  };
  add(r.descriptors, "descriptor");
  add(r.threads, "thread");
  if (r.processes != 1) text += fmt::format(", {} processes", r.processes);
  if (r.zombies != 0) add(r.zombies, "zombie");
  if (r.close_wait != 0) text += fmt::format(", {} in CLOSE_WAIT", r.close_wait);
  return text + fmt::format(", {:.1f} MiB", static_cast<double>(r.resident_bytes) / (1U << 20U));
}

std::string server_text(const Event& event) {
  switch (event.kind) {
    case Kind::started:
      return with(fmt::format("starts, pid {}", event.number), ": ", event.text);
    case Kind::listening:
      return with("listens", " on ", event.text);
    case Kind::not_listening:
      return with("does not listen", ": ", event.text);
    case Kind::stopped:
      return "is stopped (SIGSTOP)";
    case Kind::continued:
      return "goes on (SIGCONT)";
    case Kind::signalled:
      return with("gets a signal", ": ", event.text);
    case Kind::limited:
      if (event.text == "processes")
        return event.number == 0 ? "process limit: lifted" : "process limit: reached";
      return fmt::format("descriptor limit: {}", event.number);
    case Kind::exited:
      return visible(event.text);
    case Kind::struck:
      return fmt::format("its call no. {} to {} {}", event.number, visible(event.text),
                         visible(event.detail));
    case Kind::wrote:
      return fmt::format("{}: {}", visible(event.text), quote(event.content.copy(0, 300), 300));
    case Kind::sampled:
      return sample_text(event);
    case Kind::left_over:
      return with(fmt::format("left behind{}: {}", event.detail.empty() ? "" : ", and listening",
                              count_of(static_cast<std::size_t>(event.number), "process")),
                  ": ", event.text);
    default:
      return with(to_string(event.kind), ": ", event.text);
  }
}

std::string rest_text(const Event& event) {
  std::string text = event.text == "blocked" ? "the server waits for a client to read"
                     : event.number == 1     ? "the server is at rest: nothing more will come"
                                             : "the server is at rest";
  return with(text, "; ", event.detail);
}

/// A step's text without its client, whose line it stands beside.
std::string words_of(const PlannedStep& step) {
  const std::string before = step.client + ": ";
  return visible(step.text.starts_with(before) ? step.text.substr(before.size()) : step.text);
}

std::string step_end_text(const Event& event, const PlannedStep* step) {
  const std::string how = event.text == "unmet"      ? "not met"
                          : event.text == "deadline" ? "undecided when the time was up"
                                                     : visible(event.text);
  return fmt::format("{}: {}", how,
                     step == nullptr ? fmt::format("step {}", event.step) : words_of(*step));
}

std::string harness_text(const Event& event, const PlannedStep* step) {
  switch (event.kind) {
    case Kind::case_began:
      return with(fmt::format("case {}", event.number + 1), ": ", event.text);
    case Kind::round_began:
      return fmt::format("round {}: the same steps again", event.number);
    case Kind::step_began:
      return step == nullptr ? "a step begins" : "begins: " + words_of(*step);
    case Kind::step_ended:
      return step_end_text(event, step);
    case Kind::rested:
      return rest_text(event);
    case Kind::restless:
      return with("the server does not come to rest", ": ", event.text);
    case Kind::probed:
      return event.text == "began" ? "a fresh probe" : "the probe has ended";
    case Kind::dropped:
      return fmt::format("the kernel dropped {}",
                         count_of(static_cast<std::size_t>(event.number), "datagram"));
    case Kind::measured_quiet:
      return fmt::format("at rest it takes {:.1f} % of a CPU, over {} ms",
                         static_cast<double>(event.number) / 10000.0, visible(event.text));
    case Kind::failed:
      return with("the harness failed", ": ", event.text);
    default:
      return visible(event.text);
  }
}

/// Octets in at most `width` characters: what they are, or how they begin.
std::string brief(const Content& content, std::size_t pieces, std::size_t width) {
  std::string size = bytes(content.size());
  if (pieces > 1) size += fmt::format(" in {} pieces", pieces);
  if (content.chunks().size() == 1 && !content.chunks()[0].key.empty()) {
    const Chunk& chunk = content.chunks()[0];
    return shorten(fmt::format("{} of pattern {} from {}", size, visible(chunk.key),
                               with_separators(static_cast<std::size_t>(chunk.offset))),
                   width);
  }
  const Bytes head = content.copy(0, width);
  for (std::size_t shown = head.size();; --shown) {
    const bool is_all = shown == content.size();
    std::string quoted = quote(std::string_view(head).substr(0, shown), shown);
    if (!is_all) quoted.insert(quoted.size() - 1, "..");
    if (shown == 0 || size.size() + 1 + quoted.size() <= width)
      return content.empty() ? size : fmt::format("{} {}", size, quoted);
  }
}

}  // namespace

LadderRow row_of(const Event& event, const PlannedStep* step) {
  LadderRow row;
  if (event.lane == Lane::client) {
    row = client_row(event);
    row.client = event.who;
  } else if (event.lane == Lane::server) {
    const bool is_second = event.who == "second";
    row.shape = Shape::server_note;
    row.text = (is_second ? "the second one: " : "") + server_text(event);
    row.server_died = event.kind == Kind::exited && !is_second;
    row.server_began = event.kind == Kind::started && !is_second;
  } else {
    row.text = harness_text(event, step);
    if (event.kind == Kind::step_ended && step != nullptr && !step->client.empty()) {
      row.shape = Shape::client_note;
      row.client = step->client;
    }
  }
  row.kind = event.kind;
  row.at = event.at;
  row.content = event.content;
  return row;
}

std::string arrow_text(const LadderRow& row, std::size_t width) {
  const bool is_send = row.kind == Kind::sent;
  if (!is_send && row.kind != Kind::received) return shorten(row.text, width);
  const std::size_t taken = (is_send ? 5 : 0) + width_of(row.text);
  const std::string octets =
      brief(row.content, row.events, width > taken + 20 ? width - taken : 20);
  return shorten(fmt::format("{}{}{}", is_send ? "send " : "", octets, row.text), width);
}

}  // namespace sockdrill
