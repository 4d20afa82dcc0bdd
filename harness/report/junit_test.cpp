// JUnit XML: what it says, and that its common viewers can read it.

#include <gtest/gtest.h>
#include <pugixml.hpp>

#include "harness/report/samples.h"
#include "harness/report/testing/readers.h"

namespace sockdrill {
namespace {

/// What xmllint says against the schema: "" when all is well.
std::string complaints(const std::string& xml) {
  const testing::Said said = testing::ask(
      {SOCKDRILL_XMLLINT, "--noout", "--nonet", "--schema", SOCKDRILL_JUNIT_SCHEMA}, xml);
  return said.status == 0 ? "" : said.text;
}

TEST(JUnitTest, MapsEveryGrade) {
  pugi::xml_document document;
  ASSERT_TRUE(document.load_string(report(make_junit_reporter, one_of_each()).c_str()));
  const pugi::xml_node suite = document.child("testsuites").child("testsuite");
  EXPECT_STREQ(suite.attribute("name").value(), "t:echo");
  EXPECT_EQ(suite.attribute("tests").as_int(), 8);
  EXPECT_EQ(suite.attribute("failures").as_int(), 1);
  EXPECT_EQ(suite.attribute("errors").as_int(), 2);
  EXPECT_EQ(suite.attribute("skipped").as_int(), 1);
  const auto outcome = [&](const char* name) {
    return std::string(
        suite.find_child_by_attribute("testcase", "name", name).first_child().name());
  };
  EXPECT_EQ(outcome("a/pass"), "");
  EXPECT_EQ(outcome("a/warn"), "system-out");
  EXPECT_EQ(outcome("a/info"), "system-out");
  EXPECT_EQ(outcome("a/known"), "system-out");
  EXPECT_EQ(outcome("a/skip"), "skipped");
  EXPECT_EQ(outcome("a/unknown"), "error");
  EXPECT_EQ(outcome("a/fail"), "failure");
  EXPECT_EQ(outcome("a/error"), "error");
}

TEST(JUnitTest, CarriesTheExplanationAndTheProperties) {
  pugi::xml_document document;
  ASSERT_TRUE(document.load_string(report(make_junit_reporter, {truncated_echo()}).c_str()));
  const pugi::xml_node suite = document.child("testsuites").child("testsuite");
  const pugi::xml_node test = suite.child("testcase");
  EXPECT_STREQ(test.attribute("classname").value(), "tcp-threads:echo");
  EXPECT_STREQ(test.attribute("time").value(), "0.083");
  EXPECT_STREQ(test.child("failure").attribute("type").value(), "step");
  EXPECT_EQ(test.child("failure").child_value(), explain(truncated_echo(), false));
  EXPECT_STREQ(test.child("system-out").child_value(),
               "stdout: listening on 7001\nstderr: \\x1b[31mconnection closed\\x1b[0m\n");
  const auto property = [&](const char* name) {
    const std::string full = std::string("half-close/reply-in-full:") + name;
    return std::string(suite.child("properties")
                           .find_child_by_attribute("property", "name", full.c_str())
                           .attribute("value")
                           .value());
  };
  EXPECT_EQ(property("seed"), "1");
  EXPECT_EQ(property("level"), "must");
  EXPECT_EQ(property("source"), "RFC 9293 3.6.1; RFC 9112 9.6");
}

TEST(JUnitTest, StaysXmlWithHostileOctets) {
  pugi::xml_document document;
  EXPECT_TRUE(document.load_string(report(make_junit_reporter, {hostile()}).c_str()));
}

TEST(JUnitTest, IsWhatViewersRead) {
  std::vector<RunResult> results = one_of_each();
  results.push_back(hostile());
  results.push_back(truncated_echo());
  results.push_back(undecided());
  results.back().server_output = std::string("long, with \x01\x02\x7f and \xc3\x28: ");
  for (int i = 0; i < 20'000; ++i) results.back().server_output += "]]> & <![CDATA[ \t\r\n";
  results.push_back(results.back());  // A repeat.
  EXPECT_EQ(complaints(report(make_junit_reporter, results)), "");
  EXPECT_EQ(complaints(report(make_junit_reporter, results, 1, true, 130)), "");
  EXPECT_EQ(complaints(report(make_junit_reporter, {}, 0, false, 4)), "");
}

TEST(JUnitTest, WouldBeFoundOutByTheSchema) {
  EXPECT_NE(complaints("<testsuites/>"), "");
  std::string xml = report(make_junit_reporter, one_of_each());
  xml.replace(xml.find("<skipped"), 8, "<ignored");
  EXPECT_NE(complaints(xml), "");
}

}  // namespace
}  // namespace sockdrill
