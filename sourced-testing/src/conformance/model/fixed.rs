//! The few groups and streams that operations are about.

use sourced::backend::{Group, GroupOrder};
use sourced::{GroupId, Kind, NewMessage, StreamId, TypeName};

use super::operation::Sort;
use crate::conformance::fixtures::{HAPPENED, OTHER, WISHED, group, message, stream};

pub(super) const GROUPS: [usize; 3] = [0, 1, WHOLE];
/// The group in global order.
pub(super) const WHOLE: usize = 2;
pub(super) const STREAMS: [usize; 3] = [0, 1, 2];
/// The lane of the whole log, behind those of the streams.
pub(super) const LOG: usize = STREAMS.len();

pub(super) fn group_id(nth: usize) -> GroupId {
    group(["left", "right", "whole"][nth])
}

pub(super) fn stream_id(nth: usize) -> StreamId {
    stream(["a-1", "a-2", "b-1", "*"][nth])
}

/// The lanes that a group has.
pub(super) fn lanes_of(group: usize) -> &'static [usize] {
    if group == WHOLE { &[LOG] } else { &STREAMS }
}

/// The lane of a group in which the messages of a stream are.
pub(super) fn lane_of(group: usize, stream: usize) -> usize {
    if group == WHOLE { LOG } else { stream }
}

pub(super) fn registered(nth: usize) -> Group {
    let types = [[HAPPENED, WISHED], [HAPPENED, OTHER], [OTHER, WISHED]][nth];
    Group {
        id: group_id(nth),
        types: types
            .iter()
            .map(|name| TypeName::new(name).unwrap())
            .collect(),
        start_from: sourced::backend::StartFrom::Beginning,
        order: if nth == WHOLE {
            GroupOrder::Global
        } else {
            GroupOrder::PerStream
        },
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
            Self::Event => group != WHOLE,
            Self::Command => group != 1,
            Self::OtherEvent => group != 0,
        }
    }
}
