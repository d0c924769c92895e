<?php
namespace App;

class Cart {
    private array $items = [];

    public function add(string $name, int $count = 1): void {
        if ($count < 1) {
            throw new InvalidArgumentException("no count");
        }
        $this->items[$name] = ($this->items[$name] ?? 0) + $count;
        log_line($name, $count);
    }

    public function total(array $prices): float {
        $sum = 0.0;
        foreach ($this->items as $name => $count) {
            $sum += $prices[$name] * $count;
        }
        return round($sum, 2);
    }

    public function isEmpty(): bool {
        return count($this->items) === 0;
    }
}

function log_line($a, $b) {
    echo $a, $b;
    return new Line($a);
}

if (isset($argv)) { log_line("x", 1); }
