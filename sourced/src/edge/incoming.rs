//! Incoming commands: what a client sent, and what the program says about it.

use serde_json::Value;

use super::{Draft, EdgeError, Gateway};
use crate::actor::{Actor, Outgoing};
use crate::message::{Metadata, Payload, Principal, TypeName};
use crate::registry::{CommandType, Violation};
use crate::stream::{IntoStreamId, InvalidName, StreamId};

/// The payload of a command from outside: JSON text, or a value that was parsed before. Blank text is `null`.
#[derive(Debug)]
pub struct Body(Inner);

#[derive(Debug)]
enum Inner {
    Text(String),
    Value(Value),
}

impl From<Value> for Body {
    fn from(value: Value) -> Self {
        Self(Inner::Value(value))
    }
}
impl From<&str> for Body {
    fn from(json: &str) -> Self {
        Self(Inner::Text(json.to_owned()))
    }
}
impl From<String> for Body {
    fn from(json: String) -> Self {
        Self(Inner::Text(json))
    }
}

impl Body {
    pub(super) fn into_value(self) -> Result<Value, EdgeError> {
        match self.0 {
            Inner::Value(value) => Ok(value),
            Inner::Text(json) if json.trim().is_empty() => Ok(Value::Null),
            Inner::Text(json) => Payload::parse(json)
                .and_then(|payload| payload.decode())
                .map_err(EdgeError::Json),
        }
    }
}

/// A command on its way in. What is wrong with it is said by [`Incoming::accept`].
#[derive(Debug)]
#[must_use = "a command does nothing until it is accepted and dispatched"]
pub struct Incoming<'g> {
    gateway: &'g Gateway,
    read: Result<(TypeName, Payload), EdgeError>,
    target: Option<Target>,
    principal: Principal,
    metadata: Metadata,
}

#[derive(Debug)]
enum Target {
    Stream(Result<StreamId, InvalidName>),
    /// By a function that names the actor.
    New(fn(Outgoing) -> Outgoing),
}

type Read = fn(&CommandType, &Value) -> Result<Payload, Vec<Violation>>;

impl<'g> Incoming<'g> {
    pub(super) fn new(
        gateway: &'g Gateway,
        type_name: &str,
        value: Result<Value, EdgeError>,
        read: Read,
    ) -> Self {
        Self {
            gateway,
            read: read_as(gateway, type_name, value, read),
            target: None,
            principal: Principal::Anonymous,
            metadata: Metadata::new(),
        }
    }

    /// Says which stream it is for.
    pub fn to(mut self, stream: impl IntoStreamId) -> Self {
        self.target = Some(Target::Stream(stream.into_stream_id()));
        self
    }

    /// Starts a new stream with it; the stream's id is the name of the actor, `-`, and a new id.
    pub fn to_new<A: Actor>(mut self) -> Self {
        self.target = Some(Target::New(Outgoing::to_new::<A>));
        self
    }

    /// Says whom it is from. Without it, that is [`Principal::Anonymous`].
    pub fn by(mut self, principal: Principal) -> Self {
        self.principal = principal;
        self
    }

    /// Adds metadata, such as the id of the request.
    pub fn with_metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = self.metadata.merged(metadata);
        self
    }

    /// Puts it into the trace of these HTTP headers, by [`Metadata::with_trace_headers`]: `traceparent` and `tracestate`.
    /// A malformed header counts as none.
    pub fn traced(mut self, traceparent: Option<&str>, tracestate: Option<&str>) -> Self {
        self.metadata = self.metadata.with_trace_headers(traceparent, tracestate);
        self
    }

    /// Lets it through, to be dispatched: `app.dispatch(incoming.accept().await?)`; or later:
    /// `app.dispatch(incoming.accept().await?.after(delay))`.
    ///
    /// # Errors
    /// [`EdgeError`] says why it is not let through.
    pub async fn accept(self) -> Result<Outgoing, EdgeError> {
        let (type_name, payload) = self.read?;
        let (stream, to_new) = match self.target {
            None => return Err(EdgeError::NoStream(type_name)),
            Some(Target::Stream(stream)) => (Some(stream?), None),
            Some(Target::New(to_new)) => (None, Some(to_new)),
        };
        let mut draft = Draft {
            type_name,
            payload,
            stream,
            principal: self.principal,
            metadata: self.metadata,
        };
        self.gateway.pass(&mut draft).await?;
        let metadata = draft.metadata.sealed(None)?;
        let command = Outgoing::of_payload(draft.type_name, Ok(draft.payload))
            .by(draft.principal)
            .with_metadata(metadata);
        Ok(match (draft.stream, to_new) {
            (Some(stream), _) => command.to(stream),
            (None, Some(to_new)) => to_new(command),
            (None, None) => command,
        })
    }
}

fn read_as(
    gateway: &Gateway,
    name: &str,
    value: Result<Value, EdgeError>,
    read: Read,
) -> Result<(TypeName, Payload), EdgeError> {
    let exposed = gateway.exposed();
    let Some(command) = exposed.get(name) else {
        return Err(EdgeError::UnknownCommand {
            name: name.chars().take(80).collect(),
            nearest: exposed.nearest(name).map(ToOwned::to_owned),
            exposed: exposed
                .iter()
                .map(|command| command.name().clone())
                .collect(),
        });
    };
    match read(command, &value?) {
        Ok(payload) => Ok((command.name().clone(), payload)),
        Err(violations) => Err(EdgeError::Invalid {
            command: command.name().clone(),
            violations,
        }),
    }
}
