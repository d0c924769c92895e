#include "messages/errors.hpp"

#include <caf/exit_reason.hpp>
#include <caf/message.hpp>
#include <caf/sec.hpp>
#include <caf/string_view.hpp>

namespace muster {
namespace {

constexpr std::uint8_t last_fault = static_cast<std::uint8_t>(ErrorCode::internal) + 1;

ErrorCode code_of(std::uint8_t fault) {
  if (fault == 0 || fault > last_fault) return ErrorCode::internal;
  return static_cast<ErrorCode>(fault - 1);
}

std::string part(const caf::message& context, std::size_t index) {
  if (index >= context.size() || !context.match_element<std::string>(index)) return {};
  return context.get_as<std::string>(index);
}

ErrorCode code_of_sec(caf::sec code) {
  switch (code) {
    case caf::sec::request_timeout:
      return ErrorCode::timeout;
    case caf::sec::request_receiver_down:
    case caf::sec::broken_promise:
    case caf::sec::invalid_argument:  // a request to an invalid handle
    case caf::sec::bad_function_call:
      return ErrorCode::unavailable;
    default:
      return ErrorCode::internal;
  }
}

ErrorCode code_of_exit(caf::exit_reason reason) {
  switch (reason) {
    case caf::exit_reason::kill:
    case caf::exit_reason::user_shutdown:
      return ErrorCode::cancelled;
    case caf::exit_reason::remote_link_unreachable:
    case caf::exit_reason::unreachable:
      return ErrorCode::unavailable;
    default:
      return ErrorCode::internal;
  }
}

}  // namespace

std::string to_string(Fault fault) {
  if (fault == Fault::none) return "none";
  return std::string(muster::to_string(code_of(static_cast<std::uint8_t>(fault))));
}

bool from_string(caf::string_view name, Fault& out) {
  auto code = error_code_from({name.data(), name.size()});
  if (!code) return false;
  out = static_cast<Fault>(static_cast<std::uint8_t>(*code) + 1);
  return true;
}

bool from_integer(std::uint8_t value, Fault& out) {
  if (value > last_fault) return false;
  out = static_cast<Fault>(value);
  return true;
}

caf::error to_caf(const Error& error) {
  auto fault = static_cast<Fault>(static_cast<std::uint8_t>(error.code) + 1);
  return caf::make_error(fault, error.message, error.context);
}

Error from_caf(const caf::error& error) {
  if (!error) return {ErrorCode::internal, "no error"};
  if (error.category() == caf::type_id_v<Fault>)
    return {code_of(error.code()), part(error.context(), 0), part(error.context(), 1)};
  if (error.category() == caf::type_id_v<caf::sec>)
    return {code_of_sec(static_cast<caf::sec>(error.code())), caf::to_string(error)};
  if (error.category() == caf::type_id_v<caf::exit_reason>)
    return {code_of_exit(static_cast<caf::exit_reason>(error.code())), caf::to_string(error)};
  return {ErrorCode::internal, caf::to_string(error)};
}

}  // namespace muster
