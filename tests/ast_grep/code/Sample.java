// Code of many forms for pattern tests.
package sample;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

public class Sample<T extends Comparable<T>> implements Runnable {
  private static final int LIMIT = 10;
  private final Map<String, Integer> counts;
  protected List<T> items = new ArrayList<>();

  public Sample(Map<String, Integer> counts) {
    this.counts = counts;
  }

  @Override
  public void run() {
    for (T item : items) {
      System.out.println(item);
    }
    for (int i = 0; i < LIMIT; i++) {
      System.out.print(i);
    }
  }

  public int count(String name) throws IllegalStateException {
    if (name == null) {
      throw new IllegalArgumentException("name");
    } else if (name.isEmpty()) {
      return 0;
    }
    Integer found = counts.get(name);
    return found == null ? 0 : found;
  }

  static List<String> names(List<String> all) {
    return all.stream().filter(name -> name.length() > 3).map(String::trim).collect(Collectors.toList());
  }

  boolean same(Object a, Object b) {
    try {
      return a.equals(a) && a == a || b != null;
    } catch (NullPointerException | ClassCastException error) {
      return false;
    } finally {
      counts.clear();
    }
  }

  enum Kind { SMALL, LARGE }

  interface Visitor { void visit(Kind kind); }

  void each(Visitor visitor) {
    switch (LIMIT) {
      case 1: visitor.visit(Kind.SMALL); break;
      default: visitor.visit(Kind.LARGE);
    }
    while (counts.size() > 0) counts.remove("x");
    synchronized (this) { items.add(null); }
  }
}
