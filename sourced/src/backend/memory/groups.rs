//! The consumer groups in memory.

use std::collections::hash_map::Entry;

use async_trait::async_trait;

use super::lanes::Lanes;
use super::{Memory, State};
use crate::backend::{BackendError, Group, Groups, StartFrom};
use crate::stream::Position;

#[async_trait]
impl Groups for Memory {
    async fn register_group(&self, group: &Group) -> Result<(), BackendError> {
        {
            let mut state = self.state();
            let State { log, groups, .. } = &mut *state;
            match groups.entry(group.id.clone()) {
                Entry::Vacant(new) => {
                    let start = match group.start_from {
                        StartFrom::Beginning => Position::START,
                        StartFrom::Now => log.end(),
                    };
                    let types = group.types.iter().cloned().collect();
                    new.insert(Lanes::new(group.id.clone(), types, start));
                }
                Entry::Occupied(known) => {
                    let types = group.types.iter().cloned().collect();
                    known.into_mut().set_types(types, log);
                }
            }
        }
        self.raise();
        Ok(())
    }
}
