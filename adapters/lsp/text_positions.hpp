#pragma once
// The protocol's words for places in a text.

#include "runtime/core/text_positions.hpp"

namespace muster::lsp {

using Encoding = TextEncoding;
using Position = TextPosition;
using Range = TextRange;
using muster::TextPositions;

}  // namespace muster::lsp
