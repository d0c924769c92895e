// go build, go vet and go test, also with -json.

#include <nlohmann/json.hpp>

#include "runtime/core/findings_reading.hpp"
#include "runtime/core/json_read.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

/// "add_test.go:12: got 3", "./add.go:3:5: undefined: x", "vet: ./add.go:3:5: text".
std::optional<Finding> place_line(std::string_view text) {
  if (auto vet = after_prefix(text, "vet: ")) text = *vet;
  auto at = text.find(".go:");
  if (at == std::string_view::npos || text.substr(0, at).find(' ') != std::string_view::npos)
    return std::nullopt;
  auto cursor = at + 4;
  auto row = number_at(text, cursor);
  if (!row || cursor >= text.size() || text[cursor] != ':') return std::nullopt;
  ++cursor;
  auto column_at = cursor;
  int column = 0;
  if (auto found = number_at(text, column_at);
      found && column_at < text.size() && text[column_at] == ':') {
    column = *found;
    cursor = column_at + 1;
  }
  auto out = make_finding("go", trim(text.substr(cursor)));
  set_place(out, {std::string(text.substr(0, at + 3)), *row, column});
  return out;
}

/// "--- FAIL: TestAdd (0.00s)"; its first complaint follows, more indented.
bool read_failed_test(OutputCursor& at, FindingSink& found) {
  auto name = after_prefix(trim(at.line()), "--- FAIL: ");
  if (!name) return false;
  auto test = name->substr(0, name->find(" ("));
  auto out = make_finding("go", test);
  if (auto reason = place_line(trim(at.ahead(1)));
      reason && indent_of(at.ahead(1)) > indent_of(at.line())) {
    out = std::move(*reason);
    at.skip(1);
  }
  out.test = std::string(test);
  found.add(std::move(out));
  return true;
}

/// `{"Time":"...","Action":"fail","Package":"p","Test":"TestAdd","Elapsed":0}`
bool read_event(OutputCursor& at, FindingSink& found) {
  auto line = at.line();
  if (!line.starts_with("{\"") || line.size() > 16384 ||
      line.find(R"("Action":")") == std::string_view::npos)
    return false;
  auto event = nlohmann::json::parse(line, nullptr, false);
  auto action = json_text(event, "Action");
  auto test = json_text(event, "Test");
  if (action == "fail" && !test.empty()) {
    if (found.knows_test("go", test)) return true;  // its complaint came as output
    auto out = make_finding("go", test);
    out.test = test;
    found.add(std::move(out));
  } else if (action == "output") {
    if (auto out = place_line(trim(json_text(event, "Output")))) {
      out->test = test;
      found.add(std::move(*out));
    }
  }
  return !action.empty();
}

}  // namespace

bool read_go(OutputCursor& at, FindingSink& found) {
  if (read_failed_test(at, found) || read_event(at, found)) return true;
  auto text = trim(at.line());
  if (text.starts_with("panic: ")) {
    found.add(make_finding("go", text));
    return true;
  }
  auto out = place_line(text);
  if (out) found.add(std::move(*out));
  return out.has_value();
}

}  // namespace muster
