// The published schema and the reader are two descriptions of one language. They are held against
// each other on a few thousand documents: every step of the language and of the published files,
// changed in one place in every way that people get wrong.

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <functional>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "harness/scenario/scenario.h"
#include "harness/scenario/whole_language.h"

namespace sockdrill {
namespace {

namespace fs = std::filesystem;

Document document_of(const Json& json) { return parse_document(json.dump(), "s.json").value(); }

bool schema_accepts(const Document& document) {
  static const Schema schema(scenario_schema());
  return schema.validate(document).has_value();
}

/// What read_check() says without the schema: the first case is read.
Result<Scenario> read_first_case(const Document& document) {
  Bindings bindings;
  if (document.root.is_object() && document.root.contains("parameters")) {
    for (const auto& [name, values] : document.root["parameters"].items())
      bindings[name] = values.at(0);
  }
  return read_scenario(document, bindings);
}

/// Where the two disagree: "" when they do not.
std::string disagreement_on(const Json& json) {
  const Document document = document_of(json);
  const Result<Scenario> scenario = read_first_case(document);
  if (scenario.has_value() == schema_accepts(document)) return "";
  return scenario ? "the schema refuses what the reader takes: " + json.dump()
                  : "the schema takes what the reader refuses: " + to_string(scenario.error());
}

/// A scenario of this one step, with the parameters it needs.
Json scenario_of(const Json& step, const Json& parameters) {
  Json json{{"id", "t/x"}, {"level", "must"}, {"summary", "s"}};
  if (!parameters.empty()) json["parameters"] = parameters;
  json["steps"] = Json::array({step});
  return json;
}

/// The same for steps that differ in texts and numbers only.
Json shape_of(const Json& json) {
  if (!json.is_structured()) return json.is_string() ? Json("") : json.is_number() ? Json(0) : json;
  Json shape = json;
  for (Json& part : shape) part = shape_of(part);
  return shape;
}

struct Sample {
  Json step;
  Json parameters;
  bool is_published = false;
};

/// One of each shape that occurs in the whole language and in the published files.
const std::vector<Sample>& samples() {
  static const std::vector<Sample> all = [] {
    std::vector<Json> scenarios{Json::parse(kWholeLanguage)};
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(SOCKDRILL_SCENARIOS)) {
      if (entry.path().extension() == ".json" && entry.path().filename() != "schema.json")
        scenarios.push_back(read_document(entry.path().string()).value().root);
    }
    std::vector<Sample> found;
    std::set<std::string> shapes;
    for (const Json& scenario : scenarios) {
      for (const Json& step : scenario["steps"]) {
        if (shapes.insert(shape_of(step).dump()).second)
          found.push_back({step, scenario.value("parameters", Json::object()),
                           &scenario != &scenarios.front()});
      }
    }
    return found;
  }();
  return all;
}

/// Calls `visit` with every value inside, and its place.
void for_each_value(const Json& json, const Json::json_pointer& at,
                    const std::function<void(const Json::json_pointer&, const Json&)>& visit) {
  visit(at, json);
  if (json.is_object()) {
    for (const auto& [key, value] : json.items()) for_each_value(value, at / key, visit);
  } else if (json.is_array()) {
    for (std::size_t i = 0; i < json.size(); ++i) for_each_value(json[i], at / i, visit);
  }
}

/// Calls `check` with everything that one change makes of a sample; no two changes are the same.
class Changes final {
 public:
  explicit Changes(std::function<void(const Json&)> check) : check_(std::move(check)) {}

  void of(const Sample& sample) {
    for_each_value(sample.step, Json::json_pointer(), [&](const auto& at, const Json& value) {
      std::string place;  // the keys on the way, without indices
      for (Json::json_pointer up = at; !up.empty(); up.pop_back()) {
        if (std::isdigit(static_cast<unsigned char>(up.back()[0])) == 0) place += "/" + up.back();
      }
      if (seen_.insert(place + " " + shape_of(value).dump()).second) change(sample, at, value);
    });
  }

 private:
  void change(const Sample& sample, const Json::json_pointer& at, const Json& value) {
    if (sample.is_published) return without_or_renamed(sample, at, value);
    static const std::vector<Json> wrong = {nullptr,
                                            true,
                                            0,
                                            -1,
                                            1.5,
                                            1048577,
                                            std::int64_t{1} << 40,
                                            (std::int64_t{1} << 40) + 1,
                                            "",
                                            "x",
                                            "a b",
                                            Json::array(),
                                            Json::array({"x"}),
                                            Json::array({1, 1}),
                                            Json::object(),
                                            Json{{"x", 1}}};
    for (const Json& other : wrong) replace(sample, at, other);
    without_or_renamed(sample, at, value);
    if (!value.is_object()) return;
    for (const auto& [key, part] : words()) {
      Json with = value;
      with[key] = part;
      replace(sample, at, with);
    }
  }

  void without_or_renamed(const Sample& sample, const Json::json_pointer& at, const Json& value) {
    if (!value.is_object()) return;
    for (const auto& [key, part] : value.items()) {
      Json without = value;
      without.erase(key);
      replace(sample, at, without);
      without["x" + key] = part;
      replace(sample, at, without);
    }
  }

  void replace(const Sample& sample, const Json::json_pointer& at, const Json& value) {
    Json step = sample.step;
    step[at] = value;
    if (step != sample.step) check_(scenario_of(step, sample.parameters));
  }

  /// Every key of the language with a value that it takes somewhere.
  static const std::map<std::string, Json>& words() {
    static const std::map<std::string, Json> all = [] {
      std::map<std::string, Json> found;
      for (const Sample& sample : samples()) {
        for_each_value(sample.step, Json::json_pointer(), [&](const auto&, const Json& value) {
          if (!value.is_object()) return;
          for (const auto& [key, part] : value.items()) found.emplace(key, part);
        });
      }
      return found;
    }();
    return all;
  }

  std::function<void(const Json&)> check_;
  std::set<std::string> seen_;
};

/// What only the reader can know, and why the schema does not say it.
bool is_for_the_reader_alone(const std::string& error) {
  static const std::vector<std::string> reasons = {
      // Rising offsets: JSON Schema cannot compare the items of an array.
      "/cut/",
      // The form of hex and base64 is a pattern over the whole text, and the library matches by
      // recursion, one level an octet: long ones would overflow the stack.
      "hexadecimal digit", "base64 (RFC 4648)"};
  return std::any_of(reasons.begin(), reasons.end(), [&](const std::string& reason) {
    return error.find(reason) != std::string::npos;
  });
}

/// Of what is tried: all, or one in so many with a sanitizer.
constexpr int kOneIn = SOCKDRILL_ONE_IN;

TEST(SchemaTest, TakesWhatTheReaderTakesAndRefusesWhatItRefuses) {
  int count = 0;
  std::set<std::string> disagreements;
  Changes changes([&](const Json& json) {
    if (++count % kOneIn != 0) return;
    const std::string disagreement = disagreement_on(json);
    if (!disagreement.empty() && !is_for_the_reader_alone(disagreement))
      disagreements.insert(disagreement);
  });
  for (const Sample& sample : samples()) changes.of(sample);
  for (const std::string& disagreement : disagreements) ADD_FAILURE() << disagreement;
  EXPECT_GT(count, 2000);
}

TEST(SchemaTest, TakesAParameterWhereverTheReaderDoes) {
  for (const Sample& sample : samples()) {
    if (sample.is_published) continue;
    for_each_value(sample.step, Json::json_pointer(), [&](const auto& at, const Json& value) {
      Json step = sample.step;
      step[at] = "$p";
      const Json json = scenario_of(step, {{"p", Json::array({value})}});
      EXPECT_TRUE(read_first_case(document_of(json))) << json.dump();
      EXPECT_EQ(disagreement_on(json), "");
    });
  }
}

TEST(SchemaTest, AgreesAboutTheHead) {
  const Json whole = Json::parse(kWholeLanguage);
  Json head = whole;
  head["steps"] = Json::array({{{"server", "settled"}}});
  EXPECT_EQ(disagreement_on(head), "");
  int count = 0;
  const auto expect_agreement = [&](const Json& json) {
    if (++count % kOneIn == 0) EXPECT_EQ(disagreement_on(json), "");
  };
  for_each_value(head, Json::json_pointer(), [&](const auto& at, const Json& value) {
    for (const Json& other : {Json(nullptr), Json(true), Json(7), Json(""), Json("x"), Json("A/b"),
                              Json("a/b/c"), Json("/b"), Json(std::string(99, 'a') + "/b"),
                              Json::array(), Json::array({"x"}), Json::object(), Json{{"x", 1}}}) {
      Json changed = head;
      changed[at] = other;
      expect_agreement(changed);
    }
    if (!value.is_object()) return;
    for (const auto& [key, part] : value.items()) {
      Json changed = head;
      changed[at].erase(key);
      expect_agreement(changed);
      changed[at]["x" + key] = part;
      expect_agreement(changed);
    }
  });
  EXPECT_GT(count, 500);
}

TEST(SchemaTest, RefusesParametersThatTheReaderRefuses) {
  for (const Json& parameters :
       {Json(7), Json::array({1}), Json{{"p", 1}}, Json{{"p", Json::array()}},
        Json{{"P", Json::array({1})}}, Json{{"", Json::array({1})}},
        Json{{std::string(33, 'p'), Json::array({1})}}}) {
    const Document document =
        document_of(scenario_of({{"client", "a"}, {"read", {{"bytes", "$p"}}}}, parameters));
    EXPECT_FALSE(schema_accepts(document)) << parameters.dump();
    EXPECT_FALSE(read_check(document)) << parameters.dump();
  }
}

}  // namespace
}  // namespace sockdrill
