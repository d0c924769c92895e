#pragma once
// Failures are values: every function of muster that can fail returns Result<T>.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace muster {

/// What kind of failure this is; decides who owns it (docs/failures.md) and, at the end, the exit
/// code.
enum class ErrorCode {
  invalid_argument,  ///< the caller's input is wrong (config, plan, RPC parameters, tool arguments)
  not_found,         ///< a named thing does not exist
  already_exists,    ///< a named thing exists and must not
  permission_denied,  ///< a right, the command policy or the file system says no
  conflict,           ///< compare-and-set lost, merge conflict, lease held by another
  limit_reached,      ///< a bound of ours was hit (size, count, budget)
  timeout,            ///< a deadline of ours passed
  cancelled,          ///< stopped on purpose
  unavailable,        ///< the other side is not there or shutting down; trying later may help
  rate_limited,       ///< provider: 429
  overloaded,         ///< provider: 503, 529 and their like
  quota_exhausted,    ///< provider: out of credit; retrying does not help
  unauthenticated,    ///< provider: 401, 403
  invalid_request,    ///< provider: other 4xx
  context_overflow,   ///< provider: the prompt does not fit the window
  network,            ///< connect, TLS, reset, broken stream
  stalled,            ///< no byte for the idle timeout
  malformed,          ///< unparsable or nonsensical input from the outside
  degenerate,         ///< a model's reply that repeats one short unit without end
  no_progress,        ///< goes round in circles (core/stuck.hpp)
  corrupt,            ///< stored data fails its checks
  no_space,           ///< ENOSPC, EDQUOT
  io_error,           ///< any other errno
  internal,           ///< a bug of ours
};

/// Stable snake_case name of a code, for JSON and logs.
[[nodiscard]] std::string_view to_string(ErrorCode code) noexcept;
/// Inverse of to_string; nullopt for an unknown name.
[[nodiscard]] std::optional<ErrorCode> error_code_from(std::string_view name) noexcept;

/// A failure: what kind, one sentence for a person, and where (file:line, task id, URL ...).
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
  std::string context = {};

  bool operator==(const Error&) const = default;
  /// "context: message" or just the message.
  [[nodiscard]] std::string text() const {
    return context.empty() ? message : context + ": " + message;
  }
};

struct Unit {
  bool operator==(const Unit&) const = default;
};

/// Either a T or an Error. Converts from both, so functions just `return value;` or `return
/// Error{...};`.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : data_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit on purpose
  Result(Error error) : data_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  [[nodiscard]] bool ok() const noexcept { return data_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }
  [[nodiscard]] T& value() & { return std::get<0>(data_); }
  [[nodiscard]] const T& value() const& { return std::get<0>(data_); }
  [[nodiscard]] T&& value() && { return std::get<0>(std::move(data_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  [[nodiscard]] const Error& error() const { return std::get<1>(data_); }

 private:
  std::variant<T, Error> data_;
};

using Status = Result<Unit>;
inline Status ok_status() { return Unit{}; }

}  // namespace muster
