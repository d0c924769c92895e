#include "adapters/opencode/toast_feed.hpp"

#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include "adapters/opencode/origin_file.hpp"

namespace muster::opencode {
namespace {

using nlohmann::json;

std::string next(ToastFeed& feed) {
  auto toast = feed.next();
  return toast ? toast->variant + ": " + toast->message : "";
}

}  // namespace

TEST_CASE("what weighs most comes first, and of each kind the newest") {
  ToastFeed feed;
  CHECK_FALSE(feed.pending());
  feed.on_notice("mission_started", {{"objective", "Be polite"}});
  feed.on_notice("agent", {{"state", "tool_running"}});
  feed.on_count(1, 3);
  feed.on_count(2, 3);
  feed.on_notice("lane.paused", {{"lane", "openai/x"}, {"for_ms", 2500}});
  feed.on_notice("needs_user",
                 {{"questions", {{{"id", "Q1"}, {"text", "Which\n\x1b[31mgreeting?"}}}}});
  CHECK(next(feed) == "warning: needs you: Q1: Which greeting?");
  CHECK(next(feed) == "warning: openai/x is rate limited for 3 s");
  CHECK(next(feed) == "info: 2/3 done");
  CHECK(next(feed) == "info: started: Be polite");
  CHECK(next(feed).empty());
  CHECK_FALSE(feed.pending());
}

TEST_CASE("the number of finished tasks is asked for, and told when it has grown") {
  ToastFeed feed;
  feed.on_notice("landed", json::object());
  CHECK(feed.wants_count());
  CHECK(feed.pending());
  feed.on_count(0, 3);
  CHECK_FALSE(feed.wants_count());
  CHECK_FALSE(feed.pending());
  feed.on_count(1, 3);
  CHECK(next(feed) == "info: 1/3 done");
  feed.on_count(1, 3);
  CHECK_FALSE(feed.pending());
}

TEST_CASE("after the end nothing else is shown") {
  ToastFeed feed;
  feed.on_notice("lane.paused", {{"lane", "a/b"}, {"for_ms", 1}});
  feed.on_notice("landed", json::object());
  feed.on_notice("mission_ended", {{"outcome", "sealed"}, {"reason", ""}});
  feed.on_count(3, 3);
  CHECK(next(feed) == "success: SEALED");
  CHECK_FALSE(feed.pending());
  feed.on_notice("mission_ended", {{"outcome", "failed"}, {"reason", "no key"}});
  CHECK(next(feed) == "error: failed no key");
  feed.on_notice("mission_ended", {{"outcome", "stopped"}, {"reason", "by you"}});
  CHECK(next(feed) == "info: stopped by you");
}

TEST_CASE("notices of an unknown shape are no toast and no crash") {
  ToastFeed feed;
  for (const auto* type : {"needs_user", "mission_paused", "lane.paused", "mission_ended"})
    for (const auto& data : {json(), json(7), json::array(), json{{"questions", 1}, {"lane", 2}}}) {
      feed.on_notice(type, data);
      CHECK(feed.next());
    }
}

TEST_CASE("where a mission was asked for is kept") {
  const auto path = std::string(std::getenv("TMPDIR") ? std::getenv("TMPDIR") : "/tmp") +
                    "/muster-origin-" + std::to_string(::getpid()) + ".json";
  OriginFile file(path);
  CHECK(file.read().session.empty());
  REQUIRE(file.write({"m1", "ses_1"}).ok());
  REQUIRE(file.write({"m2", "ses_\"2"}).ok());
  CHECK(file.read().mission == "m2");
  CHECK(file.read().session == "ses_\"2");
  ::unlink(path.c_str());
  CHECK_FALSE(OriginFile("/nonexistent/folder/x").write({"m", "s"}).ok());
}

}  // namespace muster::opencode
