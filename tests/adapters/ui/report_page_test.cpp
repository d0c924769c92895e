#include "adapters/ui/report_page.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include "runtime/core/report.hpp"

using namespace muster;
using nlohmann::json;

namespace {

json report_of(const std::string& objective) {
  MissionReport report;
  MissionStarted started;
  started.mission = "m1";
  started.objective = objective;
  started.at_ms = 1000;
  report.on_event(started, 1000);
  return report.to_json();
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t out = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++out;
  return out;
}

}  // namespace

TEST_CASE("what a mission says is data in its page, never markup") {
  const std::string evil = "</script><script>alert(1)</script><!-- @NONCE@ @DATA@ \xff";
  const auto harmless = ui::report_page(report_of("harmless"), nullptr);
  const auto page = ui::report_page(report_of(evil), {{"error", evil}});
  CHECK(count(page, "<script") == count(harmless, "<script"));
  CHECK(count(page, "</script") == count(harmless, "</script"));
  CHECK(count(page, "<!--") == count(harmless, "<!--"));
  CHECK(count(page, "alert(1)") > 0);
}

TEST_CASE("a page loads nothing and lets nothing else run") {
  const auto page = ui::report_page(report_of("Be polite"), nullptr);
  CHECK(page.find("default-src 'none'") != std::string::npos);
  CHECK(page.find("http://") == page.find("http://www.w3.org/2000/svg"));
  CHECK(page.find("https://") == std::string::npos);
  CHECK(page.find(" src=") == std::string::npos);
  CHECK(page.find("@NONCE@") == std::string::npos);
  CHECK(page.find("<title>Be polite · under_way · muster</title>") != std::string::npos);
}

TEST_CASE("the data of a page can be read back") {
  const auto page = ui::report_page(report_of("a < b && \"c\""), nullptr);
  const auto begin = page.find('>', page.find("id=\"data\"")) + 1;
  const auto data = json::parse(page.substr(begin, page.find("</script>", begin) - begin));
  CHECK(data["report"]["objective"] == "a < b && \"c\"");
  CHECK(data["version"] == MUSTER_VERSION);
}
