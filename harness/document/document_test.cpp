#include "harness/document/document.h"

#include <gtest/gtest.h>

namespace sockdrill {
namespace {

Error error_of(const std::string& text) {
  const Result<Document> document = parse_document(text, "x.json");
  return document ? Error{"(no error)", ""} : document.error();
}

TEST(ParseDocumentTest, KnowsWhereEveryValueStands) {
  const Document document =
      parse_document("{\n  \"a\": [1, 22,\n {\"b\" : true}],\n \"c/d\": \"x\" }", "x.json").value();
  EXPECT_EQ(document.text.substr(document.offsets.at("/a/1"), 2), "22");
  EXPECT_EQ(document.text.substr(document.offsets.at("/a/2/b"), 4), "true");
  EXPECT_EQ(document.text.substr(document.offsets.at("/c~1d"), 3), "\"x\"");
  EXPECT_EQ(document.offsets.at(""), 0U);
}

TEST(ParseDocumentTest, PointsAtTheErrorWithACaret) {
  const Error error = error_of("{\n  \"a\": tru\n}");
  EXPECT_EQ(error.where, "x.json:2:11");
  EXPECT_NE(error.message.find("this is not JSON"), std::string::npos);
  EXPECT_NE(error.message.find("\n      \"a\": tru\n"), std::string::npos);
}

TEST(ParseDocumentTest, RefusesAKeyThatStandsTwice) {
  const Error error = error_of("{\"a\": 1,\n \"a\": 2}");
  EXPECT_EQ(error.where, "x.json:2:2");
  EXPECT_NE(error.message.find("'a' stands twice"), std::string::npos);
}

std::string object_of(int keys) {
  std::string object = "{";
  for (int i = 0; i < keys; ++i) object += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\": 1";
  return object + "}";
}

TEST(ParseDocumentTest, RefusesAnObjectOfTooManyKeys) {
  EXPECT_TRUE(parse_document(object_of(256), "x.json"));
  EXPECT_NE(error_of(object_of(257)).message.find("more than 256 keys"), std::string::npos);
}

TEST(ParseValuesTest, RefusesAnObjectOfTooManyKeysInALongText) {
  const std::string spaces(5000, ' ');
  EXPECT_FALSE(parse_values(spaces + object_of(256)).is_discarded());
  EXPECT_TRUE(parse_values(spaces + object_of(257)).is_discarded());
  EXPECT_TRUE(parse_values("{").is_discarded());
}

TEST(ParseDocumentTest, RefusesDeepNestingWithoutDeepRecursion) {
  EXPECT_NE(error_of(std::string(10000, '[')).message.find("nested deeper than 64"),
            std::string::npos);
}

TEST(ParseDocumentTest, RefusesRubbishWithoutEchoingIt) {
  const Error error = error_of(std::string("\xff\xfe\x00\x01\x1b[31m", 9));
  EXPECT_EQ(error.message.find('\x1b'), std::string::npos);
  EXPECT_NE(error.message.find("not JSON"), std::string::npos);
}

TEST(ParseDocumentTest, RefusesWhatIsTooLarge) {
  EXPECT_NE(error_of(std::string(kLargestDocument + 1, ' ')).message.find("too large"),
            std::string::npos);
}

TEST(NodeTest, SaysWhatItExpectedAndWhatItFound) {
  const Document document = parse_document(R"({"port": "seven"})", "x.json").value();
  const auto port = Node(document).at("port").as_integer(1, 65535);
  ASSERT_FALSE(port);
  EXPECT_EQ(port.error().where, "x.json:1:10");
  EXPECT_TRUE(port.error().message.starts_with(
      "expected a whole number from 1 to 65535, found the string \"seven\" (at /port)"));
}

TEST(NodeTest, OffersTheKeyThatWasMeant) {
  const Document document = parse_document(R"({"conect": {}})", "x.json").value();
  const auto allowed = Node(document).allow_only({"connect", "close"});
  ASSERT_FALSE(allowed);
  EXPECT_NE(allowed.error().message.find(
                "unknown key 'conect': expected connect or close; did you mean 'connect'?"),
            std::string::npos);
}

TEST(ValidateTest, PointsAtTheDeepestValueTheSchemaRefuses) {
  const Document document = parse_document("{\"a\":\n {\"b\": 7}}", "x.json").value();
  const std::string schema =
      R"({"type":"object","properties":{"a":{"type":"object","properties":{"b":{"type":"string"}}}}})";
  const Result<void> verdict = Schema(schema).validate(document);
  ASSERT_FALSE(verdict);
  EXPECT_EQ(verdict.error().where, "x.json:2:8");
}

TEST(DocumentTest, ShowsNoOctetThatIsNoCharacter) {
  const Result<Document> document = parse_document("{\"a\": \"\xff\x1b\"}", "x.json");
  ASSERT_FALSE(document);
  EXPECT_NE(to_string(document.error()).find("{\"a\": \"??\"}"), std::string::npos);
}

}  // namespace
}  // namespace sockdrill
