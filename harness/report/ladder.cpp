// Rows drawn as lines side by side: clients on the left, the server on the right.

#include "harness/report/ladder.h"

#include <algorithm>

#include <fmt/format.h>

#include "harness/report/paint.h"
#include "harness/report/visible.h"

namespace sockdrill {

namespace {

constexpr std::size_t kFirstLane = 12;  // to its left: the mark and the time
constexpr std::size_t kServerLane = 84;
constexpr std::size_t kWidestName = 10;
constexpr std::size_t kLeftMost = 2;  // dashes before an arrow's words

/// A line of the ladder. Lanes for packets and system calls will stand between and behind these.
struct LifeLine {
  std::string title;
  std::string client;  ///< "" for the server
  std::size_t column = 0;
};

/// One line of text in cells, so that what is drawn later lies on top.
class Line final {
 public:
  void put(std::size_t column, std::string_view glyph) {
    if (cells_.size() <= column) cells_.resize(column + 1, " ");
    cells_[column] = glyph;
  }
  void fill(std::size_t from, std::size_t to, std::string_view glyph) {
    for (std::size_t column = from; column < to; ++column) put(column, glyph);
  }
  void write(std::size_t column, std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      std::size_t end = at + 1;
      while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) ++end;
      put(column++, text.substr(at, end - at));
      at = end;
    }
  }
  [[nodiscard]] std::string text() const {
    std::string joined;
    for (const std::string& cell : cells_) joined += cell;
    return joined.erase(joined.find_last_not_of(' ') + 1);
  }

 private:
  std::vector<std::string> cells_;
};

std::vector<LifeLine> lay_out(const PickedRows& picked) {
  std::vector<LifeLine> lanes;
  std::size_t column = kFirstLane;
  for (const std::string& client : picked.clients) {
    std::string title = shorten(visible(client), kWidestName);
    if (picked.clients.size() == 1) title = "client " + title;
    lanes.push_back({.title = title, .client = client, .column = column});
    column += std::max<std::size_t>(width_of(title), 3) + 3;
  }
  lanes.push_back({.title = "server", .client = {}, .column = kServerLane});
  return lanes;
}

class Drawing final {
 public:
  Drawing(const PickedRows& picked, bool color)
      : picked_(picked), paint_(color), lanes_(lay_out(picked)) {
    const std::size_t clients = picked.clients.size();
    words_from_ = clients == 0 ? kFirstLane : lanes_[clients - 1].column + kLeftMost + 1;
    const auto first = std::find_if(picked.rows.begin(), picked.rows.end(), [](const LadderRow& r) {
      return r.server_began || r.server_died;
    });
    is_alive_ = first == picked.rows.end() || first->server_died;
  }

  std::string draw() {
    std::string out = title() + "\n";
    for (const LadderRow& row : picked_.rows) {
      is_alive_ = is_alive_ || row.server_began;
      out += draw_row(row);
      if (row.server_died) is_alive_ = false;
    }
    if (!picked_.remark.empty()) add_wrapped(out, std::string(kFirstLane, ' '), picked_.remark);
    return out;
  }

 private:
  [[nodiscard]] std::string title() const {
    Line line;
    line.write(8, "ms");
    for (const LifeLine& lane : lanes_) {
      const bool is_server = lane.client.empty() && lane.column == kServerLane;
      line.write(lane.column - (is_server ? width_of(lane.title) / 2 : 0), lane.title);
    }
    return paint_.dim(line.text());
  }

  void draw_lanes(Line& line, std::string_view glyph) const {
    for (const LifeLine& lane : lanes_) {
      const bool is_server = lane.column == kServerLane;
      if (!is_server || is_alive_) line.put(lane.column, glyph);
    }
  }

  [[nodiscard]] std::size_t column_of(const std::string& client) const {
    const auto lane = std::find_if(lanes_.begin(), lanes_.end(),
                                   [&](const LifeLine& l) { return l.client == client; });
    return lane == lanes_.end() ? kFirstLane : lane->column;
  }

  std::string draw_row(const LadderRow& row) const {
    Line line;
    draw_lanes(line, row.shape == Shape::left_out ? "┊" : "│");
    if (row.shape == Shape::left_out) {
      line.write(words_from_ + 2,
                 fmt::format("... {} left out ...", count_of(row.events, "event")));
      return paint_.dim(line.text()) + "\n";
    }
    draw_shape(line, row);
    line.write(0, row.is_marked ? "!!" : "  ");
    line.write(2, fmt::format("{:8.2f}", static_cast<double>(row.at.count()) / 1e6));
    if (row.is_marked) line.write(kServerLane + 2, "<── here");
    return (row.is_marked ? paint_.bad(line.text()) : line.text()) + "\n";
  }

  void draw_shape(Line& line, const LadderRow& row) const {
    switch (row.shape) {
      case Shape::to_server:
        return draw_to_server(line, row);
      case Shape::refused:
        return draw_refused(line, row);
      case Shape::to_client:
        return draw_to_client(line, row);
      case Shape::client_note:
        return draw_client_note(line, row);
      case Shape::server_note:
        return draw_server_note(line, row);
      default:
        return draw_across(line, row);
    }
  }

  void draw_to_server(Line& line, const LadderRow& row) const {
    const std::string text = arrow_text(row, kServerLane - words_from_ - 6);
    line.put(column_of(row.client), row.is_marked ? "╞" : "├");
    line.fill(column_of(row.client) + 1, kServerLane - 1, row.is_marked ? "═" : "─");
    line.put(kServerLane - 1, ">");
    line.write(words_from_, " " + text + " ");
  }

  void draw_refused(Line& line, const LadderRow& row) const {
    const std::string text = arrow_text(row, kServerLane - words_from_ - 8);
    const std::size_t end = words_from_ + width_of(text) + 2;
    line.put(column_of(row.client), row.is_marked ? "╞" : "├");
    line.fill(column_of(row.client) + 1, end + 2, row.is_marked ? "═" : "─");
    line.put(end + 2, "x");
    line.write(words_from_, " " + text + " ");
  }

  void draw_to_client(Line& line, const LadderRow& row) const {
    const std::string text = arrow_text(row, kServerLane - words_from_ - 6);
    const std::size_t words_at = kServerLane - kLeftMost - 2 - width_of(text);
    line.put(column_of(row.client) + 1, "<");
    line.fill(column_of(row.client) + 2, kServerLane, row.is_marked ? "═" : "─");
    line.put(kServerLane, row.is_marked ? "╡" : "┤");
    line.write(words_at, " " + text + " ");
  }

  void draw_client_note(Line& line, const LadderRow& row) const {
    line.put(column_of(row.client), "├");
    if (column_of(row.client) + kLeftMost + 1 < words_from_)
      line.fill(column_of(row.client) + 1, words_from_ - 1, "╌");
    line.write(words_from_ - 1, " " + shorten(row.text, kServerLane - words_from_ - 2));
  }

  void draw_server_note(Line& line, const LadderRow& row) const {
    const std::string text = shorten(row.text, kServerLane - words_from_ - 2);
    line.put(kServerLane, row.server_died ? "┴" : "┤");
    line.write(kServerLane - 1 - width_of(text), text);
  }

  void draw_across(Line& line, const LadderRow& row) const {
    line.write(words_from_, "(" + shorten(row.text, kServerLane - words_from_ - 4) + ")");
  }

  const PickedRows& picked_;
  Paint paint_;
  std::vector<LifeLine> lanes_;
  std::size_t words_from_ = 0;
  bool is_alive_ = true;
};

}  // namespace

std::string draw_rows(const PickedRows& picked, bool color) {
  return Drawing(picked, color).draw();
}

std::string draw_ladder(const Recording& recording, const Plan& plan, const Finding* finding,
                        bool color) {
  return draw_rows(pick_rows(recording, plan, finding), color);
}

}  // namespace sockdrill
