#include "adapters/ui/report_page.hpp"

#include <map>
#include <nlohmann/json.hpp>
#include <string_view>

#include "config/embedded.hpp"
#include "runtime/core/report.hpp"
#include "runtime/core/sha256.hpp"
#include "runtime/core/text.hpp"
#include "runtime/core/xml_text.hpp"

namespace muster::ui {
namespace {

using nlohmann::json;

constexpr std::string_view page_file = "adapters/ui/pages/report.html";
constexpr std::size_t title_bytes = 120;
constexpr std::size_t nonce_length = 32;

/// JSON that can stand in a script element: nothing in it begins a tag or a comment
/// (https://html.spec.whatwg.org/multipage/scripting.html#restrictions-for-contents-of-script-elements).
std::string json_in_html(const json& data) {
  std::string out;
  for (const char c : data.dump(-1, ' ', true, json::error_handler_t::replace)) {
    if (c == '<')
      out += "\\u003c";
    else if (c == '>')
      out += "\\u003e";
    else if (c == '&')
      out += "\\u0026";
    else
      out += c;
  }
  return out;
}

/// Puts values in the place of @NAME@. What is put in is not looked at again.
std::string fill(std::string_view page, const std::map<std::string_view, std::string>& values) {
  std::string out;
  while (!page.empty()) {
    const auto at = page.find('@');
    out += page.substr(0, at);
    if (at == std::string_view::npos) break;
    page.remove_prefix(at);
    const auto end = page.find('@', 1);
    const auto value =
        end == std::string_view::npos ? values.end() : values.find(page.substr(1, end - 1));
    out += value == values.end() ? "@" : value->second;
    page.remove_prefix(value == values.end() ? 1 : end + 1);
  }
  return out;
}

}  // namespace

std::string report_page(const json& report, const json& diff) {
  const auto data = json_in_html({{"report", report}, {"diff", diff}, {"version", MUSTER_VERSION}});
  const auto title = one_line(report.value("objective", ""), title_bytes);
  return fill(config::embedded(page_file),
              {{"NONCE", sha256_hex(data).substr(0, nonce_length)},
               {"TITLE", xml_content(title + " · " + report.value("outcome", "") + " · muster")},
               {"TEXT", xml_content(report_text(report))},
               {"DATA", data}});
}

}  // namespace muster::ui
