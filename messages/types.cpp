#include "messages/types.hpp"

#include <caf/init_global_meta_objects.hpp>
#include <mutex>

#include "messages/protocol.hpp"

namespace muster {

void init_message_types() {
  static std::once_flag once;
  std::call_once(once, [] {
    caf::init_global_meta_objects<caf::id_block::muster>();
    caf::core::init_global_meta_objects();
  });
}

}  // namespace muster
