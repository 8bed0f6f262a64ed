//! Telling two states apart without asking for `PartialEq`: by what `Debug` says of them.

use std::fmt::Debug;

/// What `Debug` says of a state, with the elements of maps and sets in an order of their own: hash maps tell theirs in
/// another order each time.
pub(super) fn told(state: &impl Debug) -> String {
    let text = format!("{state:#?}");
    let mut lines = text.lines();
    let mut told = String::new();
    while let Some(node) = Node::read(&mut lines) {
        node.write(&mut told);
    }
    told
}

/// A line of pretty `Debug` output, and what is inside of the brackets that it opens.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Node<'a> {
    head: &'a str,
    inside: Vec<Node<'a>>,
    end: Option<&'a str>,
}

impl<'a> Node<'a> {
    fn read(lines: &mut impl Iterator<Item = &'a str>) -> Option<Self> {
        let head = lines.next()?;
        let mut node = Self {
            head,
            inside: Vec::new(),
            end: None,
        };
        if head.ends_with(['{', '[', '(']) {
            while let Some(inner) = Self::read(lines) {
                if inner.is_end() {
                    node.end = Some(inner.head);
                    break;
                }
                node.inside.push(inner);
            }
            if node.is_map() {
                node.inside.sort();
            }
        }
        Some(node)
    }

    fn is_end(&self) -> bool {
        self.inside.is_empty() && self.head.trim_start().starts_with(['}', ']', ')'])
    }

    /// Maps and sets open a bracket without a name of a type before it.
    fn is_map(&self) -> bool {
        let before = self.head.strip_suffix('{');
        before.is_some_and(|before| before.trim().is_empty() || before.ends_with(": "))
    }

    fn write(&self, told: &mut String) {
        told.push_str(self.head);
        told.push('\n');
        for node in &self.inside {
            node.write(told);
        }
        if let Some(end) = self.end {
            told.push_str(end);
            told.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap, HashSet};

    use super::*;

    #[derive(Debug, Default)]
    #[expect(dead_code, reason = "only told")]
    struct State {
        lines: HashMap<String, Vec<u32>>,
        seen: HashSet<u32>,
        names: (String, Option<u8>),
        order: Vec<u32>,
    }

    fn state(order: &[u32]) -> State {
        State {
            lines: (0..9).map(|n| (format!("{{ {n}"), vec![n])).collect(),
            seen: (0..9).collect(),
            names: ("a {\n [".into(), Some(1)),
            order: order.to_vec(),
        }
    }

    #[test]
    fn the_order_of_maps_and_sets_is_no_difference() {
        assert_eq!(told(&state(&[1, 2])), told(&state(&[1, 2])));
    }

    #[test]
    fn the_order_of_a_list_and_every_value_is_one() {
        assert_ne!(told(&state(&[1, 2])), told(&state(&[2, 1])));
        let mut other = state(&[1, 2]);
        other.lines.insert("{ 3".into(), vec![4]);
        assert_ne!(told(&state(&[1, 2])), told(&other));
        assert_ne!(told(&-0.0), told(&0.0));
        let nested = |a: u8, b: u8| BTreeMap::from([(1, vec![a]), (2, vec![b])]);
        assert_ne!(told(&nested(1, 2)), told(&nested(2, 1)));
    }
}
