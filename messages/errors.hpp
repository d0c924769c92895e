#pragma once
// muster::Error <-> caf::error, both ways and without loss: code, message and context survive.

#include <caf/error.hpp>
#include <caf/fwd.hpp>
#include <cstdint>
#include <string>

#include "messages/types.hpp"
#include "runtime/core/result.hpp"

namespace muster {

/// ErrorCode as CAF wants an error category: 0 means "no error", so every code is one higher than
/// in ErrorCode. The enum is open: its values are named by to_string(ErrorCode).
enum class Fault : std::uint8_t { none = 0 };

[[nodiscard]] std::string to_string(Fault fault);
bool from_string(caf::string_view name, Fault& out);
bool from_integer(std::uint8_t value, Fault& out);

template <class Inspector>
bool inspect(Inspector& f, Fault& fault) {
  auto get = [&fault] { return static_cast<std::uint8_t>(fault); };
  auto set = [&fault](std::uint8_t value) { return from_integer(value, fault); };
  return f.apply(get, set);
}

/// The error as a reply or an exit reason of an actor. Any thread.
[[nodiscard]] caf::error to_caf(const Error& error);
/// Inverse of to_caf. Errors that CAF itself makes are mapped: request timeout -> timeout, receiver
/// gone or shut down -> unavailable, runtime_error -> internal, anything else -> internal with
/// CAF's text. "No error" is internal, too: a bug.
[[nodiscard]] Error from_caf(const caf::error& error);

}  // namespace muster
