//! Layout: where the boxes and lines of a graph go, in whole pixels.
//!
//! The usual four steps: edges that close a circle are set aside, every node gets the layer of its longest path, layers
//! are ordered so that lines cross little, and boxes are moved towards their neighbours.

const GAP_X: i64 = 56;
const GAP_Y: i64 = 18;
const MARGIN: i64 = 12;

/// The height of a box.
pub(super) const HEIGHT: i64 = 36;

/// How far from its layer a line goes down and up; lines beneath everything are twice as far from each other.
const AISLE: i64 = 8;

/// Times that layers are put in order, and boxes moved.
const SWEEPS: usize = 8;

/// Where everything goes.
pub(super) struct Layout {
    pub(super) width: i64,
    pub(super) height: i64,
    /// In the order of the nodes.
    pub(super) boxes: Vec<Place>,
    /// In the order of the edges.
    pub(super) lines: Vec<Line>,
}

/// The upper left corner of a box, and its width.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) x: i64,
    pub(super) y: i64,
    pub(super) width: i64,
}

/// A line from box to box.
pub(super) enum Line {
    /// From left to right, through these points.
    Forward(Vec<(i64, i64)>),
    /// Back to an earlier layer: out to the right, down, beneath everything, up, and in from the left.
    Back {
        from: (i64, i64),
        right: i64,
        below: i64,
        left: i64,
        to: (i64, i64),
    },
}

/// A number of things as a number of pixels.
pub(super) fn length(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

impl Layout {
    /// Places boxes of these widths. An edge from a node to itself is not drawn.
    pub(super) fn new(widths: &[i64], edges: &[(usize, usize)]) -> Self {
        let edges: Vec<_> = edges.iter().copied().filter(|(a, b)| a != b).collect();
        let is_back = back_edges(widths.len(), &edges);
        let forward = || {
            let pairs = edges.iter().zip(&is_back);
            pairs
                .filter(|(_, is_back)| !**is_back)
                .map(|(edge, _)| *edge)
        };
        let layer = layers(widths.len(), &forward().collect::<Vec<_>>());
        let mut slots = Slots::new(&layer, forward());
        slots.order();
        let y = slots.heights();
        let x = columns(widths, &layer);
        let boxes: Vec<Place> = (0..widths.len())
            .map(|node| Place {
                x: x[layer[node]].0 + (x[layer[node]].1 - widths[node]) / 2,
                y: y[node],
                width: widths[node],
            })
            .collect();
        let bottom = y.iter().max().map_or(0, |y| y + HEIGHT);
        let mut below = bottom;
        let mut chains = slots.chains.iter();
        let lines = edges.iter().zip(&is_back).map(|(&(start, end), is_back)| {
            let (from, to) = (boxes[start], boxes[end]);
            if *is_back {
                below += 2 * AISLE;
                let (from_left, from_width) = x[layer[start]];
                return Line::Back {
                    from: (from.x + from.width, from.y + HEIGHT / 2),
                    right: from_left + from_width + AISLE,
                    below,
                    left: x[layer[end]].0 - AISLE,
                    to: (to.x, to.y + HEIGHT / 2),
                };
            }
            let mut points = vec![(from.x + from.width, from.y + HEIGHT / 2)];
            for &slot in chains.next().into_iter().flatten() {
                let (left, width) = x[slots.layer[slot]];
                let middle = y[slot] + HEIGHT / 2;
                points.extend([(left, middle), (left + width, middle)]);
            }
            points.push((to.x, to.y + HEIGHT / 2));
            Line::Forward(points)
        });
        let lines = lines.collect();
        Self {
            lines,
            width: x.last().map_or(MARGIN, |(left, width)| left + width) + MARGIN,
            height: below + MARGIN,
            boxes,
        }
    }
}

/// Which edges lead back to a node that the walk is still inside of.
fn back_edges(n_nodes: usize, edges: &[(usize, usize)]) -> Vec<bool> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        Not,
        Inside,
        Done,
    }
    fn walk(node: usize, edges: &[(usize, usize)], seen: &mut [Seen], is_back: &mut [bool]) {
        seen[node] = Seen::Inside;
        for (nth, &(from, to)) in edges.iter().enumerate() {
            if from == node {
                match seen[to] {
                    Seen::Inside => is_back[nth] = true,
                    Seen::Not => walk(to, edges, seen, is_back),
                    Seen::Done => {}
                }
            }
        }
        seen[node] = Seen::Done;
    }
    let mut seen = vec![Seen::Not; n_nodes];
    let mut is_back = vec![false; edges.len()];
    // Where nothing leads to comes first, so that a circle is entered where the story enters it.
    let is_first = |node: &usize| edges.iter().all(|(_, to)| to != node);
    for node in (0..n_nodes).filter(is_first).chain(0..n_nodes) {
        if seen[node] == Seen::Not {
            walk(node, edges, &mut seen, &mut is_back);
        }
    }
    is_back
}

/// The longest path to each node.
fn layers(n_nodes: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut layer = vec![0; n_nodes];
    // Without circles no path is longer than there are nodes.
    for _ in 0..n_nodes {
        for &(from, to) in edges {
            layer[to] = layer[to].max(layer[from] + 1);
        }
    }
    layer
}

/// Left end and width of each layer.
fn columns(widths: &[i64], layer: &[usize]) -> Vec<(i64, i64)> {
    let n_layers = layer.iter().max().map_or(0, |last| last + 1);
    let mut left = MARGIN;
    let widest = (0..n_layers).map(|this| {
        let inside = widths
            .iter()
            .zip(layer)
            .filter(|(_, layer)| **layer == this);
        inside.map(|(width, _)| *width).max().unwrap_or(0)
    });
    widest
        .map(|width| {
            let column = (left, width);
            left += width + GAP_X;
            column
        })
        .collect()
}

/// Places in layers: the nodes, and then one for each layer that an edge passes through.
struct Slots {
    layer: Vec<usize>,
    /// The slots that each edge passes through.
    chains: Vec<Vec<usize>>,
    /// Neighbours in the layer before, and in the layer after.
    before: Vec<Vec<usize>>,
    after: Vec<Vec<usize>>,
    /// The slots of each layer, from top to bottom.
    rows: Vec<Vec<usize>>,
}

impl Slots {
    fn new(node_layers: &[usize], edges: impl Iterator<Item = (usize, usize)>) -> Self {
        let mut layer = node_layers.to_vec();
        let mut chains = Vec::new();
        let mut links = Vec::new();
        for (from, to) in edges {
            let mut chain = Vec::new();
            let mut last = from;
            for passed in layer[from] + 1..layer[to] {
                chain.push(layer.len());
                links.push((last, layer.len()));
                last = layer.len();
                layer.push(passed);
            }
            links.push((last, to));
            chains.push(chain);
        }
        let mut before = vec![Vec::new(); layer.len()];
        let mut after = vec![Vec::new(); layer.len()];
        for (from, to) in links {
            before[to].push(from);
            after[from].push(to);
        }
        let mut rows = vec![Vec::new(); layer.iter().max().map_or(0, |last| last + 1)];
        for (slot, layer) in layer.iter().enumerate() {
            rows[*layer].push(slot);
        }
        Self {
            layer,
            chains,
            before,
            after,
            rows,
        }
    }

    /// Puts every layer in the order of its neighbours' middle, from left to right and back.
    fn order(&mut self) {
        let mut place = vec![0_i64; self.layer.len()];
        for sweep in 0..SWEEPS {
            for row in &self.rows {
                for (nth, slot) in row.iter().enumerate() {
                    place[*slot] = length(nth) * 1000;
                }
            }
            let (neighbours, rows): (_, Vec<usize>) = if sweep % 2 == 0 {
                (&self.before, (0..self.rows.len()).collect())
            } else {
                (&self.after, (0..self.rows.len()).rev().collect())
            };
            for row in rows {
                self.rows[row].sort_by_key(|slot| middle(&neighbours[*slot], &place, place[*slot]));
                for (nth, slot) in self.rows[row].iter().enumerate() {
                    place[*slot] = length(nth) * 1000;
                }
            }
        }
    }

    /// The upper end of every slot, near its neighbours and apart from those above.
    fn heights(&self) -> Vec<i64> {
        let mut y = vec![0_i64; self.layer.len()];
        let step = HEIGHT + GAP_Y;
        for row in &self.rows {
            for (nth, slot) in row.iter().enumerate() {
                y[*slot] = length(nth) * step;
            }
        }
        for sweep in 0..=SWEEPS {
            let neighbours = if sweep % 2 == 0 {
                &self.before
            } else {
                &self.after
            };
            for row in &self.rows {
                let wanted: Vec<i64> = row
                    .iter()
                    .map(|slot| middle(&neighbours[*slot], &y, y[*slot]))
                    .collect();
                for (slot, placed) in row.iter().zip(apart(&wanted, step)) {
                    y[*slot] = placed;
                }
            }
        }
        let top = y.iter().min().copied().unwrap_or(0);
        y.iter().map(|y| y - top + MARGIN).collect()
    }
}

/// The mean of the neighbours' places; its own place without any.
fn middle(neighbours: &[usize], place: &[i64], own: i64) -> i64 {
    if neighbours.is_empty() {
        return own;
    }
    let sum: i64 = neighbours.iter().map(|slot| place[*slot]).sum();
    sum / length(neighbours.len())
}

/// As near to what is wanted as the distance between two allows: pushed down from above, and up from below, half each.
fn apart(wanted: &[i64], step: i64) -> Vec<i64> {
    let mut down = wanted.to_vec();
    for nth in 1..down.len() {
        down[nth] = down[nth].max(down[nth - 1] + step);
    }
    let mut up = wanted.to_vec();
    for nth in (1..up.len()).rev() {
        up[nth - 1] = up[nth - 1].min(up[nth] - step);
    }
    down.iter()
        .zip(&up)
        .map(|(down, up)| i64::midpoint(*down, *up))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_of_a_layer_never_overlap() {
        let edges = [
            (0, 3),
            (1, 3),
            (2, 3),
            (0, 4),
            (3, 5),
            (4, 5),
            (0, 5),
            (5, 0),
        ];
        let layout = Layout::new(&[80; 6], &edges);
        for (nth, one) in layout.boxes.iter().enumerate() {
            for other in &layout.boxes[nth + 1..] {
                let apart = one.x != other.x || (one.y - other.y).abs() >= HEIGHT;
                assert!(apart, "two boxes at {} and {}", one.y, other.y);
            }
        }
        assert_eq!(layout.lines.len(), edges.len());
    }

    #[test]
    fn an_edge_that_closes_a_circle_leads_back() {
        let layout = Layout::new(&[80; 3], &[(0, 1), (1, 2), (2, 1)]);
        let is_back = |line: &Line| matches!(line, Line::Back { .. });
        let is_back: Vec<bool> = layout.lines.iter().map(is_back).collect();
        assert_eq!(is_back, [false, false, true]);
    }
}
