//! Mermaid: a flowchart with one shape per kind of node.

use std::fmt::Write as _;

use super::{Node, NodeKind, Topology};

const CLASSES: [(NodeKind, &str, &str); 4] = [
    (NodeKind::Command, "command", "fill:#cfe3fc,stroke:#3b78c4"),
    (NodeKind::Event, "event", "fill:#fde0b8,stroke:#cf8321"),
    (
        NodeKind::Automation,
        "automation",
        "fill:#e8dcf7,stroke:#8657c2",
    ),
    (
        NodeKind::ReadModel,
        "read_model",
        "fill:#d3efd5,stroke:#48944d",
    ),
];

pub(super) fn write(topology: &Topology) -> String {
    let mut out = String::from("flowchart LR\n");
    for (nth, node) in topology.nodes.iter().enumerate() {
        line(
            &mut out,
            &format!("{}:::{}", shape(nth, node), class(node.kind)),
        );
    }
    for (from, to) in topology.edges() {
        if let (Some(from), Some(to)) = (place(topology, from), place(topology, to)) {
            line(&mut out, &format!("n{from} --> n{to}"));
        }
    }
    if topology.nodes.iter().any(|node| node.produces_any) {
        line(&mut out, "any[\"any\"]:::command");
    }
    for (nth, _) in topology
        .nodes
        .iter()
        .enumerate()
        .filter(|(_, node)| node.produces_any)
    {
        line(&mut out, &format!("n{nth} -.-> any"));
    }
    for (_, name, style) in CLASSES {
        line(&mut out, &format!("classDef {name} {style},color:#222"));
    }
    out
}

fn line(out: &mut String, text: &str) {
    // Writing to a string cannot fail.
    _ = writeln!(out, "    {text}");
}

fn shape(nth: usize, node: &Node) -> String {
    let name = escaped(&node.name);
    match node.kind {
        NodeKind::Command => format!("n{nth}[\"{name}\"]"),
        NodeKind::Event => format!("n{nth}([\"{name}\"])"),
        NodeKind::Automation => format!("n{nth}{{{{\"{name}\"}}}}"),
        NodeKind::ReadModel => format!("n{nth}[(\"{name}\")]"),
    }
}

fn class(kind: NodeKind) -> &'static str {
    let found = CLASSES.iter().find(|(of, _, _)| *of == kind);
    found.map_or("", |(_, name, _)| name)
}

fn place(topology: &Topology, id: &str) -> Option<usize> {
    topology.nodes.iter().position(|node| node.id == id)
}

/// Mermaid's own entities: `#` opens one, so it goes too.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for char in text.chars() {
        match char {
            '"' | '#' | '<' | '>' | '&' | '`' => _ = write!(out, "#{};", u32::from(char)),
            char if char.is_control() => out.push(' '),
            char => out.push(char),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_ends_its_quotes() {
        assert_eq!(escaped("a\"<b>#1\n"), "a#34;#60;b#62;#35;1 ");
    }
}
