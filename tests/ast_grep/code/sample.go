// Package sample holds code of many forms for pattern tests.
package sample

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

const limit = 10

var errEmpty = errors.New("empty")

// Item is a thing with a name.
type Item struct {
	Name  string
	Count int
	tags  []string
}

type Store interface {
	Get(name string) (*Item, error)
	Put(item *Item) error
}

type memory struct {
	items map[string]*Item
}

func newMemory() *memory { return &memory{items: map[string]*Item{}} }

func (m *memory) Get(name string) (*Item, error) {
	item, ok := m.items[name]
	if !ok {
		return nil, fmt.Errorf("no item %q", name)
	}
	return item, nil
}

func (m *memory) Put(item *Item) error {
	if item == nil {
		return errEmpty
	}
	if item.Name == "" {
		return errEmpty
	} else if len(item.Name) > limit {
		return errors.New("too long")
	}
	m.items[item.Name] = item
	return nil
}

func total(items []*Item) int {
	sum := 0
	for _, item := range items {
		sum += item.Count
	}
	for i := 0; i < 3; i++ {
		sum++
	}
	return sum
}

func read(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	text := string(data)
	switch {
	case strings.HasPrefix(text, "#"):
		return text[1:], nil
	case text == text:
		return text, nil
	default:
		return "", nil
	}
}

func run(done chan<- int, in <-chan string) {
	defer close(done)
	go func() { done <- 1 }()
	select {
	case s := <-in:
		fmt.Println(s)
	default:
	}
}
