#pragma once
// The only maker of receipts. Included by the job side (the verifier) and by tests, by nothing that
// reads a model's words.

#include "runtime/core/receipt.hpp"

namespace muster {

struct ReceiptMinter {
  static Receipt mint(ReceiptFacts facts) {
    Receipt receipt;
    receipt.facts_ = std::move(facts);
    return receipt;
  }
};

}  // namespace muster
