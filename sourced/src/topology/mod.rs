//! The topology of an app: which command leads to which event, which event to which command or read model.
//!
//! It comes from the types that handlers return, never from reading their bodies: a reactor describes itself as a
//! [`Flow`], and [`Topology::of`] joins the flows of all reactors to one graph. The graph is data, and can be written as
//! JSON, as a Mermaid flowchart and as an SVG.

mod flow;
mod mermaid;
mod problem;
mod svg;

pub use flow::{Definition, Flow, Produces, ReactionFlow};
pub use problem::{Problem, Warning, problems, warnings};

use std::collections::HashSet;

use serde::Serialize;
use serde_json::Value;

use crate::message::{Kind, TypeName};
use crate::stream::GroupId;

/// The graph of an app. [`App::topology`](crate::App::topology) gives it.
///
/// ```
/// use sourced::prelude::*;
///
/// #[derive(Debug, Default)]
/// struct Lamp;
///
/// #[actor]
/// impl Lamp {
///     #[command]
///     fn switch_on(&self) -> SwitchedOn {
///         SwitchedOn
///     }
///
///     #[event]
///     fn switched_on(&mut self) {}
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sourced::BuildError> {
/// let app = App::builder().register::<Lamp>().build().await?;
/// let command = &app.topology().nodes[0];
/// assert_eq!(command.id, "lamp.switch_on");
/// assert_eq!(command.produces, ["lamp.switched_on"]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Topology {
    /// Commands, then events, then automations, then read models, each in the order in which reactors were registered
    /// and handlers are written.
    pub nodes: Vec<Node>,
}

/// What a [`Node`] stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NodeKind {
    /// A command that an actor decides.
    Command,
    /// An event that is emitted, or that something evolves by or reacts to.
    Event,
    /// A reaction.
    Automation,
    /// What a projector keeps.
    ReadModel,
}

/// A node of a [`Topology`].
///
/// The order of the fields is that of the JSON, and stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Node {
    /// What it stands for.
    pub kind: NodeKind,
    /// Its name in the graph: the stored name of a message, `<event>-<group>-aut` of a reaction to one event,
    /// `<group>-aut` of the reaction to all others, `<group>-rm` of a read model.
    pub id: String,
    /// Its name for people: that of the Rust type, or `reaction(ItemAdded)`.
    pub name: String,
    /// The group it belongs to; of an event, the group that was the first to name it.
    pub group: GroupId,
    /// The ids of the nodes it is fed by: events, or of a projector's reaction the read model.
    pub consumes: Vec<String>,
    /// The ids of what may come of it: events of a command, commands of an automation.
    pub produces: Vec<String>,
    /// Whether anything else may come of it as well, because its handler returns commands without their types.
    pub produces_any: bool,
    /// Those of `produces` that can go to another stream than the command's own.
    pub produces_elsewhere: Vec<String>,
    /// The JSON Schema of a message whose type has one: see [`MessageType::schema`](crate::MessageType::schema). Not in
    /// the JSON where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
}

impl Topology {
    /// Joins what reactors say of themselves.
    ///
    /// A message that several flows name is one node, which belongs to the first of them.
    pub fn of<'f>(flows: impl IntoIterator<Item = &'f Flow> + Clone) -> Self {
        let mut nodes = Vec::new();
        for flow in flows.clone() {
            nodes.extend(flow.decisions.iter().map(|(command, produces)| {
                let node = Node::message(NodeKind::Command, command, flow.group.clone());
                node.producing(produces)
            }));
        }
        for flow in flows.clone() {
            let events = flow.all_messages().filter(|one| one.kind == Kind::Event);
            let group = || flow.group.clone();
            nodes.extend(events.map(|event| Node::message(NodeKind::Event, event, group())));
        }
        for flow in flows.clone() {
            nodes.extend(
                flow.reactions
                    .iter()
                    .map(|reaction| flow.automation(reaction)),
            );
        }
        nodes.extend(flows.into_iter().filter_map(Flow::read_model_node));
        let mut seen = HashSet::new();
        nodes.retain(|node| seen.insert(node.id.clone()));
        Self { nodes }
    }

    /// The edges, from id to id: an edge that both of its ends tell of is there once.
    ///
    /// It may lead to an id without a node: a command that nobody in the app decides.
    pub fn edges(&self) -> Vec<(&str, &str)> {
        let mut edges = Vec::new();
        let mut seen = HashSet::new();
        for node in &self.nodes {
            let from = node.consumes.iter().map(|id| (&**id, &*node.id));
            let to = node.produces.iter().map(|id| (&*node.id, &**id));
            edges.extend(from.chain(to).filter(|edge| seen.insert(*edge)));
        }
        edges
    }

    /// As JSON: `{"nodes": [..]}`, indented, with the fields of [`Node`] in their order.
    ///
    /// # Panics
    /// Never: it is made of text, truth values and schemas, which are JSON already.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("text, truth values and JSON can be told in JSON")
    }

    /// As a Mermaid flowchart, as many places that show Markdown draw it.
    pub fn to_mermaid(&self) -> String {
        mermaid::write(self)
    }

    /// As an SVG of its own, in layers from left to right.
    pub fn to_svg(&self) -> String {
        svg::write(self)
    }
}

impl Node {
    fn message(kind: NodeKind, message: &Definition, group: GroupId) -> Self {
        Self {
            kind,
            id: message.type_name.to_string(),
            name: message.rust_name().to_owned(),
            group,
            consumes: Vec::new(),
            produces: Vec::new(),
            produces_any: false,
            produces_elsewhere: Vec::new(),
            schema: message.schema(),
        }
    }

    fn producing(mut self, produces: &Produces) -> Self {
        self.produces = ids(produces.messages().iter().map(|one| &one.type_name));
        self.produces_any = produces.is_any();
        self.produces_elsewhere = ids(produces.elsewhere().iter().map(|one| &one.type_name));
        self
    }
}

impl Flow {
    fn automation(&self, reaction: &ReactionFlow) -> Node {
        let (id, name) = if reaction.is_rest {
            (format!("{}-aut", self.group), self.name.clone())
        } else {
            let types = reaction.events.iter().map(|event| event.type_name.as_str());
            let names = reaction.events.iter().map(Definition::rust_name);
            let types = types.collect::<Vec<_>>().join("+");
            (
                format!("{types}-{}-aut", self.group),
                names.collect::<Vec<_>>().join(", "),
            )
        };
        let consumes = if self.is_read_model {
            vec![self.read_model_id()]
        } else {
            ids(reaction.events.iter().map(|event| &event.type_name))
        };
        let node = Node {
            kind: NodeKind::Automation,
            id,
            name: format!("reaction({name})"),
            group: self.group.clone(),
            consumes,
            produces: Vec::new(),
            produces_any: false,
            produces_elsewhere: Vec::new(),
            schema: None,
        };
        node.producing(&reaction.produces)
    }

    fn read_model_node(&self) -> Option<Node> {
        self.is_read_model.then(|| Node {
            kind: NodeKind::ReadModel,
            id: self.read_model_id(),
            name: self.name.clone(),
            group: self.group.clone(),
            consumes: ids(self.evolves.iter().map(|event| &event.type_name)),
            produces: self
                .reactions
                .iter()
                .map(|reaction| self.automation(reaction).id)
                .collect(),
            produces_any: false,
            produces_elsewhere: Vec::new(),
            schema: None,
        })
    }

    fn read_model_id(&self) -> String {
        format!("{}-rm", self.group)
    }
}

fn ids<'t>(types: impl Iterator<Item = &'t TypeName>) -> Vec<String> {
    types.map(ToString::to_string).collect()
}
