//! SVG: boxes in layers from left to right, one shape and colour per kind of node.
//!
//! Nothing is measured and nothing is random, so the same topology always gives the same text. Colours are chosen to be
//! read on white and on black.

mod layout;

use std::fmt::Write as _;

use self::layout::{HEIGHT, Layout, Line, Place};
use super::{NodeKind, Topology};

/// Pixels of a letter, a little more than most are wide.
const LETTER: i64 = 8;
const PADDING: i64 = 32;

/// What a box shows.
struct Vertex {
    kind: NodeKind,
    name: String,
    /// What is shown when somebody points at it.
    title: String,
}

pub(super) fn write(topology: &Topology) -> String {
    let (vertices, edges) = graph(topology);
    let width = |vertex: &Vertex| layout::length(vertex.name.chars().count()) * LETTER + PADDING;
    let layout = Layout::new(&vertices.iter().map(width).collect::<Vec<_>>(), &edges);
    let mut out = String::new();
    let Layout { width, height, .. } = layout;
    line(
        &mut out,
        &format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" class="topology" role="img">"#
        ),
    );
    line(
        &mut out,
        "<title>Commands, events, automations and read models</title>",
    );
    line(&mut out, STYLE);
    for edge in &layout.lines {
        line(&mut out, &path(edge));
    }
    for (vertex, place) in vertices.iter().zip(&layout.boxes) {
        line(&mut out, &drawn(vertex, *place));
    }
    line(&mut out, "</svg>");
    out
}

const STYLE: &str = r##"<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#8a8f98"/></marker></defs>
<style>
.topology text { font: 13px ui-sans-serif, system-ui, sans-serif; fill: #222; text-anchor: middle; dominant-baseline: central }
.topology .edge { fill: none; stroke: #8a8f98; stroke-width: 1.5; marker-end: url(#tip) }
.topology .back { stroke-dasharray: 5 4; stroke-linejoin: round }
.topology .command { fill: #cfe3fc; stroke: #3b78c4 }
.topology .event { fill: #fde0b8; stroke: #cf8321 }
.topology .automation { fill: #e8dcf7; stroke: #8657c2 }
.topology .read_model { fill: #d3efd5; stroke: #48944d }
</style>"##;

/// The nodes and edges by number, and one more node for what has no type.
fn graph(topology: &Topology) -> (Vec<Vertex>, Vec<(usize, usize)>) {
    let nodes = &topology.nodes;
    let mut vertices: Vec<Vertex> = nodes
        .iter()
        .map(|node| Vertex {
            kind: node.kind,
            name: node.name.clone(),
            title: format!("{} ({})", node.id, node.group),
        })
        .collect();
    let place = |id: &str| nodes.iter().position(|node| node.id == id);
    let known = topology.edges().into_iter();
    let mut edges: Vec<_> = known
        .filter_map(|(from, to)| Some((place(from)?, place(to)?)))
        .collect();
    let untyped = nodes
        .iter()
        .enumerate()
        .filter(|(_, node)| node.produces_any);
    let to_any: Vec<_> = untyped.map(|(nth, _)| (nth, nodes.len())).collect();
    if !to_any.is_empty() {
        edges.extend(to_any);
        vertices.push(Vertex {
            kind: NodeKind::Command,
            name: "any".to_owned(),
            title: "messages whose types nobody can tell".to_owned(),
        });
    }
    (vertices, edges)
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

fn drawn(vertex: &Vertex, place: Place) -> String {
    let Place { x, y, width } = place;
    let (class, shape) = match vertex.kind {
        NodeKind::Command => ("command", rectangle(place, 3)),
        NodeKind::Event => ("event", rectangle(place, HEIGHT / 2)),
        NodeKind::Automation => ("automation", hexagon(place)),
        NodeKind::ReadModel => ("read_model", cylinder(place)),
    };
    let (middle_x, middle_y) = (x + width / 2, y + HEIGHT / 2);
    format!(
        r#"<g><title>{}</title><{shape} class="{class}"/><text x="{middle_x}" y="{middle_y}">{}</text></g>"#,
        escaped(&vertex.title),
        escaped(&vertex.name),
    )
}

fn rectangle(Place { x, y, width }: Place, radius: i64) -> String {
    format!(r#"rect x="{x}" y="{y}" width="{width}" height="{HEIGHT}" rx="{radius}""#)
}

fn hexagon(Place { x, y, width }: Place) -> String {
    let (tip, right, half, bottom) = (10, x + width, y + HEIGHT / 2, y + HEIGHT);
    format!(
        r#"path d="M{x} {half}L{} {y}H{}L{right} {half}L{} {bottom}H{}z""#,
        x + tip,
        right - tip,
        right - tip,
        x + tip,
    )
}

fn cylinder(Place { x, y, width }: Place) -> String {
    let (half, lid, wall) = (width / 2, 5, HEIGHT - 10);
    format!(
        r#"path d="M{x} {}a{half} {lid} 0 0 1 {width} 0v{wall}a{half} {lid} 0 0 1 -{width} 0za{half} {lid} 0 0 0 {width} 0""#,
        y + lid,
    )
}

fn path(edge: &Line) -> String {
    let mut d = String::new();
    match edge {
        Line::Forward(points) => {
            for (nth, (x, y)) in points.iter().enumerate() {
                // Writing to a string cannot fail.
                _ = match nth.checked_sub(1).and_then(|before| points.get(before)) {
                    None => write!(d, "M{x} {y}"),
                    Some((from_x, from_y)) => {
                        let middle = i64::midpoint(*from_x, *x);
                        write!(d, "C{middle} {from_y} {middle} {y} {x} {y}")
                    }
                };
            }
            format!(r#"<path class="edge" d="{d}"/>"#)
        }
        Line::Back {
            from: (x, y),
            right,
            below,
            left,
            to: (to_x, to_y),
        } => format!(
            r#"<path class="edge back" d="M{x} {y}H{right}V{below}H{left}V{to_y}H{to_x}"/>"#
        ),
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for char in text.chars() {
        match char {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            // No control character may stand in XML, not even escaped.
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
    fn nothing_in_a_name_is_markup() {
        assert_eq!(
            escaped("<a b=\"c\">&\u{1}"),
            "&lt;a b=&quot;c&quot;&gt;&amp; "
        );
    }

    #[test]
    fn an_empty_topology_is_an_empty_picture() {
        let svg = write(&Topology::default());
        assert!(
            svg.starts_with("<svg ") && svg.ends_with("</svg>\n"),
            "{svg}"
        );
    }
}
