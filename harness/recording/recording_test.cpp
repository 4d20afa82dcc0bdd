#include "harness/recording/recording.h"

#include <gtest/gtest.h>

namespace sockdrill {
namespace {

Event some_event() {
  Event event{.at = Nanoseconds(1'234'567), .lane = Lane::client, .kind = Kind::received};
  event.who = "a";
  event.step = 3;
  event.content.append_pattern("a___", 16, 64);
  return event;
}

Recording some_recording() {
  const std::string manifest =
      R"({"name": "m", "command": ["m", "{port}"], "listens": {"transport": "tcp"}, "speaks": "echo"})";
  Recording recording;
  recording.target = read_targets(parse_document(manifest, "m.json").value()).value()[0];
  recording.scenario = Json::parse(R"({"id": "t/x", "steps": [1.5, null, "\u0000"]})");
  recording.seed = UINT64_MAX;
  recording.cases = {{}, {{"size", 512}, {"how", "fin"}}};
  recording.scenario_file = "scenarios/t/x.json";
  recording.isolated = false;
  recording.version = "0.1.0";
  recording.events = {some_event(), Event{.text = "a note"}};
  return recording;
}

std::string error_of(const std::string& text) {
  const Result<Recording> recording = read_recording(text, "r.jsonl");
  return recording ? "" : to_string(recording.error());
}

TEST(WriteEventTest, LeavesOutWhatTheEventDoesNotUse) {
  EXPECT_EQ(write_event(some_event()).dump(),
            R"({"at_ns":1234567,"lane":"client","who":"a","kind":"received","step":3,)"
            R"("content":[{"pattern":"a___","from":16,"bytes":64}]})");
  EXPECT_EQ(write_event(Event{}).dump(), R"({"at_ns":0,"lane":"harness","kind":"note"})");
}

TEST(RecordingTest, ReadsWhatItWrites) {
  const Recording recording = some_recording();
  const auto again = read_recording(write_recording(recording), "r.jsonl");
  ASSERT_TRUE(again) << to_string(again.error());
  EXPECT_EQ(*again, recording);
}

TEST(RecordingTest, KeepsTheManifestsNamesOfAVariant) {
  Recording recording = some_recording();
  recording.target.name = "m:echo:ipv6";
  recording.target.model = "m";
  recording.target.file = "targets/m.json";
  EXPECT_EQ(read_recording(write_recording(recording), "").value().target, recording.target);
}

TEST(RecordingTest, KeepsEveryFieldOfEveryKind) {
  Recording recording;
  for (int kind = 0; kind <= static_cast<int>(Kind::failed); ++kind) {
    Event event{.at = Nanoseconds(kind - 1), .lane = Lane(kind % 4), .kind = Kind(kind)};
    event.who = "second";
    event.step = kind;
    event.text = "\x1b[2J \xff\xfe \n";
    event.detail = "\u00e9";
    event.number = UINT64_MAX;
    event.error = Errno{kind % 2 == 0 ? 104 : 4711};
    event.content = Content(Bytes("\0\xff\r\n\"", 5));
    event.resources =
        Resources{1, 2, 3, 4, 1U << 31U, 1ULL << 44U, Nanoseconds(6), Nanoseconds(7), 8, 9};
    event.snapshot = Snapshot{
        .tasks =
            {{.pid = 7, .tid = 8, .state = "S", .call = "read", .descriptor = 4, .doing = "d"}},
        .sockets = {{.descriptor = 4,
                     .state = "LISTEN",
                     .unread = 1,
                     .unsent = 2,
                     .watched = "edge",
                     .events = "in"}},
        .descriptors = 5,
        .descriptor_limit = 6,
        .caught = 1,
        .ignored = 2,
        .blocked = UINT64_MAX};
    EXPECT_NE(to_string(event.kind), "?");
    recording.events.push_back(std::move(event));
  }
  const auto again = read_recording(write_recording(recording), "r.jsonl");
  ASSERT_TRUE(again) << to_string(again.error());
  EXPECT_EQ(*again, recording);
}

TEST(RecordingTest, TakesAnEventLargerThanADocumentMayBe) {
  Recording recording;
  recording.events = {Event{.content = Content(Bytes(kLargestDocument / 2, '\xff'))}};
  EXPECT_EQ(read_recording(write_recording(recording), "").value(), recording);
}

TEST(ReadRecordingTest, KeepsWhatStandsBeforeABreakInTheMiddleOfALine) {
  const std::string text = head_line(some_recording()) + event_line(some_event());
  const std::string torn = text + event_line(some_event()).substr(0, 40);
  const Recording recording = read_recording(torn, "r.jsonl").value();
  EXPECT_EQ(recording.events, std::vector<Event>{some_event()});
  EXPECT_FALSE(recording.is_whole);
}

TEST(ReadRecordingTest, TellsABreakBetweenLinesFromAnEnd) {
  const std::string text = head_line(some_recording()) + event_line(some_event());
  EXPECT_FALSE(read_recording(text, "").value().is_whole);
  EXPECT_TRUE(read_recording(text + end_line(1), "").value().is_whole);
}

TEST(ReadRecordingTest, NeverFailsOnABeginningOfAFileThatHasItsHead) {
  const std::string text = write_recording(some_recording());
  for (std::size_t end = text.find('\n') + 1; end < text.size(); ++end)
    ASSERT_TRUE(read_recording(text.substr(0, end), "r")) << end;
}

TEST(ReadRecordingTest, PointsAtTheLineAndColumnOfAnError) {
  const std::string head = head_line(some_recording());
  EXPECT_TRUE(error_of(head + event_line(some_event()) +
                       R"({"at_ns":1,"lane":"clint","kind":"note"})" + "\n")
                  .starts_with("r.jsonl:3:19: expected client, server, network or harness, found "
                               "\"clint\"; did you mean 'client'?"));
  EXPECT_TRUE(error_of(head + "{\"at_ns\":\n").starts_with("r.jsonl:2:"));
  EXPECT_TRUE(error_of(head + "\n").starts_with("r.jsonl:2:1"));
}

TEST(ReadRecordingTest, PointsIntoTheTarget) {
  std::string head = head_line(some_recording());
  head.replace(head.find("\"tcp\""), 5, "\"tpc\"");
  EXPECT_TRUE(
      error_of(head).starts_with("r.jsonl:1:" + std::to_string(head.find("\"tpc\"") + 1) + ": "))
      << error_of(head);
}

TEST(ReadRecordingTest, RefusesWhatIsNoRecording) {
  EXPECT_EQ(error_of(""), "r.jsonl: is empty, expected a recording");
  EXPECT_TRUE(error_of("hello").starts_with("r.jsonl:1:1: this is not JSON"));
  EXPECT_TRUE(error_of("{}").starts_with("r.jsonl:1:1: the key 'sockdrill_recording' is missing"));
  EXPECT_TRUE(error_of(write_recording(some_recording()) + "{}\n")
                  .starts_with("r.jsonl:5:1: a line after the end"));
}

TEST(ReadRecordingTest, NoticesMissingLines) {
  EXPECT_TRUE(error_of(head_line(some_recording()) + end_line(7))
                  .starts_with("r.jsonl:2:8: 0 events where the recording ends with 7"));
}

}  // namespace
}  // namespace sockdrill
