#include "runtime/core/result.hpp"

#include <array>

namespace muster {
namespace {
constexpr std::array<std::pair<ErrorCode, std::string_view>, 24> names{{
    {ErrorCode::invalid_argument, "invalid_argument"},
    {ErrorCode::not_found, "not_found"},
    {ErrorCode::already_exists, "already_exists"},
    {ErrorCode::permission_denied, "permission_denied"},
    {ErrorCode::conflict, "conflict"},
    {ErrorCode::limit_reached, "limit_reached"},
    {ErrorCode::timeout, "timeout"},
    {ErrorCode::cancelled, "cancelled"},
    {ErrorCode::unavailable, "unavailable"},
    {ErrorCode::rate_limited, "rate_limited"},
    {ErrorCode::overloaded, "overloaded"},
    {ErrorCode::quota_exhausted, "quota_exhausted"},
    {ErrorCode::unauthenticated, "unauthenticated"},
    {ErrorCode::invalid_request, "invalid_request"},
    {ErrorCode::context_overflow, "context_overflow"},
    {ErrorCode::network, "network"},
    {ErrorCode::stalled, "stalled"},
    {ErrorCode::malformed, "malformed"},
    {ErrorCode::degenerate, "degenerate"},
    {ErrorCode::no_progress, "no_progress"},
    {ErrorCode::corrupt, "corrupt"},
    {ErrorCode::no_space, "no_space"},
    {ErrorCode::io_error, "io_error"},
    {ErrorCode::internal, "internal"},
}};
}  // namespace

std::string_view to_string(ErrorCode code) noexcept {
  for (const auto& [value, name] : names)
    if (value == code) return name;
  return "internal";
}

std::optional<ErrorCode> error_code_from(std::string_view name) noexcept {
  for (const auto& [value, known] : names)
    if (known == name) return value;
  return std::nullopt;
}

}  // namespace muster
