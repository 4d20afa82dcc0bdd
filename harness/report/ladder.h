#pragma once

// The parts a ladder is made of. Internal to report/: report.h has draw_ladder().
//
//   recording --pick_rows--> rows, merged and folded --draw_rows--> text

#include <cstddef>
#include <string>
#include <vector>

#include "harness/plan/plan.h"
#include "harness/report/report.h"

namespace sockdrill {

enum class Shape {
  to_server,    ///< an arrow from a client
  refused,      ///< an arrow from a client that does not get there
  to_client,    ///< an arrow from the server
  client_note,  ///< beside a client's line
  server_note,  ///< beside the server's line
  across,       ///< concerns no line in particular
  left_out      ///< stands for rows that are not shown
};

struct LadderRow {
  Shape shape = Shape::across;
  Kind kind = Kind::note;
  Nanoseconds at{0};
  std::string client;  ///< whose line
  std::string text;
  Content content;         ///< sent and received
  std::size_t events = 1;  ///< how many were merged into it, or left out
  bool is_marked = false;  ///< here it went wrong
  bool is_evidence = false;
  bool server_died = false;   ///< from here on its line is gone
  bool server_began = false;  ///< from here on it is there
};

/// An event as a row: shape and words. `step` is the planned step it belongs to, if there is one.
LadderRow row_of(const Event& event, const PlannedStep* step);
/// The words of an arrow that carries octets: `send 8 bytes "PING\r\n.."`, in at most `width`.
std::string arrow_text(const LadderRow& row, std::size_t width);

struct PickedRows {
  std::vector<LadderRow> rows;
  std::vector<std::string> clients;  ///< in the order of appearance
  std::string remark;                ///< about clients that are not shown; ""
};
PickedRows pick_rows(const Recording& recording, const Plan& plan, const Finding* finding);

std::string draw_rows(const PickedRows& picked, bool color);

}  // namespace sockdrill
