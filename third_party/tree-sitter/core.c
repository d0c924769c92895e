// tree-sitter's core as one unit, as its own lib.c makes it, with one thing changed: each thread remembers what it looked
// up in parse tables. A small state's table is a list that a look-up walks, and error recovery asks for every symbol in
// every state that it tries: on headers full of macros a fifth of a parse was spent there
// (scripts/bench-code).
// Answers depend on a grammar's constant tables alone, so that what is remembered is never out of date.
#include "./alloc.c"
#include "./get_changed_ranges.c"
#define ts_language_table_entry ts_language_table_entry_walked
#include "./language.c"
#undef ts_language_table_entry

void ts_language_table_entry(const TSLanguage *self, TSStateId state, TSSymbol symbol, TableEntry *result) {
  static _Thread_local struct {
    const TSLanguage *language;
    uint32_t key;
    TableEntry entry;
  } remembered[4096];
  const uint32_t key = (uint32_t)state << 16 | symbol;
  const uint32_t slot = key * 2654435769u >> 20;  // Knuth's multiplicative hashing, to 12 bits
  if (remembered[slot].language != self || remembered[slot].key != key) {
    ts_language_table_entry_walked(self, state, symbol, &remembered[slot].entry);
    remembered[slot].language = self;
    remembered[slot].key = key;
  }
  *result = remembered[slot].entry;
}

#include "./lexer.c"
#include "./node.c"
#include "./parser.c"
#include "./query.c"
#include "./stack.c"
#include "./subtree.c"
#include "./tree_cursor.c"
#include "./tree.c"
#include "./wasm_store.c"
