/* Code of many forms for pattern tests. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include "other.h"

#define LIMIT 10
#define MAX(a, b) ((a) > (b) ? (a) : (b))

typedef struct {
  char *name;
  uint32_t count;
} Item;

struct list {
  Item *items;
  size_t size, capacity;
};

enum kind { KIND_NONE, KIND_ITEM = 2 };

static int compare(const void *left, const void *right);

static inline uint32_t twice(uint32_t value) { return value * 2; }

static void grow(struct list *list) {
  if (list->size < list->capacity) return;
  list->capacity = list->capacity == 0 ? 4 : list->capacity * 2;
  Item *items = realloc(list->items, list->capacity * sizeof(Item));
  assert(items);
  assert(items != NULL);
  list->items = items;
}

int add(struct list *list, char *name, uint32_t count) {
  if (!name) {
    return -1;
  } else if (count > LIMIT) {
    goto failed;
  }
  grow(list);
  list->items[list->size++] = (Item){name, count};
  return 0;
failed:
  free(name);
  return -1;
}

uint32_t total(const struct list *list) {
  uint32_t sum = 0;
  for (size_t i = 0; i < list->size; i++) {
    sum += list->items[i].count;
  }
  do {
    sum--;
  } while (sum > 100);
  while (sum == sum) {
    if (sum) break;
  }
  return MAX(sum, twice(sum));
}

static int compare(const void *left, const void *right) {
  const Item *a = left, *b = (const Item *)right;
  int result = a->count == b->count;
  switch (result) {
    case 0:
      return 1;
    case 1: {
      int zero = 0;
      return zero;
    }
    default:
      break;
  }
  return *a->name - *b->name;
}

int main(int argc, char **argv) {
  struct list list = {NULL, 0, 0};
  (void)argc;
  add(&list, argv[0], 1);
  qsort(list.items, list.size, sizeof(list.items[0]), compare);
  free(list.items);
  return (int)total(&list);
}
