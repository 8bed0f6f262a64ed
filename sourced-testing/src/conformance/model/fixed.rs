//! The few groups and streams that operations are about.

use sourced::backend::Group;
use sourced::{GroupId, Kind, NewMessage, StreamId, TypeName};

use super::operation::Sort;
use crate::conformance::fixtures::{HAPPENED, OTHER, WISHED, group, message, stream};

pub(super) const GROUPS: [usize; 2] = [0, 1];
pub(super) const STREAMS: [usize; 3] = [0, 1, 2];

pub(super) fn group_id(nth: usize) -> GroupId {
    group(["left", "right"][nth])
}

pub(super) fn stream_id(nth: usize) -> StreamId {
    stream(["a-1", "a-2", "b-1"][nth])
}

pub(super) fn stream_of(id: &StreamId) -> Option<usize> {
    STREAMS.into_iter().find(|nth| stream_id(*nth) == *id)
}

pub(super) fn registered(nth: usize) -> Group {
    let types = [[HAPPENED, WISHED], [HAPPENED, OTHER]][nth];
    Group {
        id: group_id(nth),
        types: types
            .iter()
            .map(|name| TypeName::new(name).unwrap())
            .collect(),
        start_from: sourced::backend::StartFrom::Beginning,
        order: sourced::backend::GroupOrder::PerStream,
    }
}

impl Sort {
    pub(super) fn new_message(self) -> NewMessage {
        let (kind, name) = match self {
            Self::Event => (Kind::Event, HAPPENED),
            Self::Command => (Kind::Command, WISHED),
            Self::OtherEvent => (Kind::Event, OTHER),
        };
        message(kind, name, "{}")
    }

    pub(super) fn is_event(self) -> bool {
        self != Self::Command
    }

    pub(super) fn is_handled_by(self, group: usize) -> bool {
        match self {
            Self::Event => true,
            Self::Command => group == 0,
            Self::OtherEvent => group == 1,
        }
    }
}
