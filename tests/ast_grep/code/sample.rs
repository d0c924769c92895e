//! Code of many forms for pattern tests.
use std::collections::HashMap;
use std::fmt;

const LIMIT: usize = 10;

#[derive(Debug, Clone)]
pub struct Item {
    pub name: String,
    count: u32,
}

pub enum Outcome {
    Found(Item),
    Missing { name: String },
}

pub trait Store {
    fn get(&self, name: &str) -> Option<&Item>;
    fn put(&mut self, item: Item) -> Result<(), String>;
}

#[derive(Default)]
struct Memory {
    items: HashMap<String, Item>,
}

impl Store for Memory {
    fn get(&self, name: &str) -> Option<&Item> {
        self.items.get(name)
    }

    fn put(&mut self, item: Item) -> Result<(), String> {
        if item.name.is_empty() {
            return Err("empty".to_string());
        } else if item.name.len() > LIMIT {
            return Err(format!("{} is too long", item.name));
        }
        self.items.insert(item.name.clone(), item);
        Ok(())
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.count)
    }
}

fn total(items: &[Item]) -> u32 {
    let mut sum = 0;
    for item in items {
        sum += item.count;
    }
    while sum > 100 {
        sum -= 1;
    }
    items.iter().map(|item| item.count).sum::<u32>() + sum
}

pub fn look(store: &dyn Store, name: &str) -> Outcome {
    match store.get(name) {
        Some(item) => Outcome::Found(item.clone()),
        None => Outcome::Missing { name: name.to_string() },
    }
}

async fn load(path: &str) -> std::io::Result<String> {
    let text = std::fs::read_to_string(path)?;
    let first = text.lines().next().unwrap();
    println!("{}", first);
    let pair = (first == first, text.len());
    unsafe { std::ptr::read(&pair) };
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn puts() {
        let mut memory = Memory::default();
        memory.put(Item { name: "a".into(), count: 1 }).unwrap();
        assert_eq!(memory.get("a").unwrap().count, 1);
        assert!(memory.get("b").is_none());
    }
}
