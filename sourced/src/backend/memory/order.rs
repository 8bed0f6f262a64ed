//! What a group in global order may become without breaking it.

use std::collections::HashSet;

use super::lanes::Lanes;
use super::store::Log;
use crate::backend::OrderError;
use crate::message::{StoredMessage, TypeName};
use crate::stream::StreamId;

impl Lanes {
    /// Whether with these types everything that is acknowledged is what would have come first.
    pub(super) fn keep_order(
        &self,
        types: &HashSet<TypeName>,
        log: &Log,
    ) -> Result<(), OrderError> {
        let lane = self.by_stream.get(&StreamId::log());
        let acked = lane.map_or(self.start, |lane| lane.acked_upto);
        if acked <= self.start {
            return Ok(());
        }
        let group = self.group.clone();
        if let Some(type_name) = self.types.difference(types).min() {
            let type_name = type_name.clone();
            return Err(OrderError::GivenUp {
                group,
                type_name,
                acked,
            });
        }
        let passed = log.after(self.start).iter();
        let mut passed = passed.take_while(|message| message.position <= acked);
        let is_new = |message: &&StoredMessage| {
            let of = &message.type_name;
            types.contains(of) && !self.types.contains(of) && !log.is_removed(message.position)
        };
        match passed.find(is_new) {
            None => Ok(()),
            Some(message) => {
                let type_name = message.type_name.clone();
                Err(OrderError::Passed {
                    group,
                    type_name,
                    acked,
                })
            }
        }
    }
}
