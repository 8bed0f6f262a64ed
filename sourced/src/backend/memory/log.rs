//! The log in memory: reading it.

use async_trait::async_trait;

use super::Memory;
use super::store::{Log, index};
use crate::backend::{
    self, BackendError, Direction, Page, ReadLog, ReadStream, Selection, Source, Stretch, Summary,
};
use crate::message::{CorrelationId, MessageId, StoredMessage};
use crate::stream::{Position, Seq};

#[async_trait]
impl backend::Log for Memory {
    async fn read_stream(&self, read: ReadStream) -> Result<Vec<StoredMessage>, BackendError> {
        Ok(self.state().log.read_stream(&read))
    }

    async fn read_log(&self, read: &ReadLog) -> Result<Page, BackendError> {
        let state = self.state();
        let stretch = read.stretch(state.log.end());
        let found = state.log.select(&read.selection, stretch);
        let found = in_direction(read.direction, found).take(read.most());
        Ok(read.page(stretch, found.cloned().collect()))
    }

    async fn summary(&self, selection: &Selection) -> Result<Summary, BackendError> {
        let state = self.state();
        let mut summary = Summary::default();
        let whole = Stretch::between(selection.after, state.log.end());
        for message in state.log.select(selection, whole) {
            summary.add(message);
        }
        Ok(summary)
    }

    async fn log_end(&self) -> Result<Position, BackendError> {
        Ok(self.state().log.end())
    }

    async fn find(&self, id: MessageId) -> Result<Option<StoredMessage>, BackendError> {
        Ok(self.state().log.find(id).cloned())
    }

    async fn read_correlation(
        &self,
        id: CorrelationId,
    ) -> Result<Vec<StoredMessage>, BackendError> {
        let state = self.state();
        let positions = state.log.conversation(id);
        let messages = positions.map(|position| state.log.at(position).clone());
        let mut messages: Vec<_> = messages.collect();
        messages.reverse();
        Ok(messages)
    }
}

impl Log {
    fn read_stream(&self, read: &ReadStream) -> Vec<StoredMessage> {
        let Some(stream) = self.streams.get(&read.stream) else {
            return Vec::new();
        };
        let all = &stream.positions;
        let to_index =
            |seq: Seq| usize::try_from(seq.get()).map_or(all.len(), |n| n.min(all.len()));
        let from = read.after.map_or(0, to_index);
        let upto = read.upto.map_or(all.len(), to_index);
        let part = all.get(from..upto).unwrap_or_default().iter();
        let messages = part
            .map(|position| self.at(*position))
            .filter(|message| read.kind.is_none_or(|kind| kind == message.kind));
        in_direction(read.direction, messages)
            .take(read.limit.unwrap_or(usize::MAX))
            .cloned()
            .collect()
    }

    /// What is meant in a part of the log, in order.
    fn select<'l>(
        &'l self,
        selection: &'l Selection,
        stretch: Stretch,
    ) -> impl DoubleEndedIterator<Item = &'l StoredMessage> {
        type Messages<'l> = Box<dyn DoubleEndedIterator<Item = &'l StoredMessage> + 'l>;
        let is_inside =
            |position: &Position| (stretch.after < *position) && *position <= stretch.upto;
        let at = |positions: Vec<Position>| -> Messages<'l> {
            Box::new(positions.into_iter().map(|position| self.at(position)))
        };
        let messages = match selection.source() {
            Source::Log => {
                let upto = index(stretch.upto).min(self.messages.len());
                let part = self.messages.get(index(stretch.after)..upto);
                Box::new(part.unwrap_or_default().iter())
            }
            Source::Streams(streams) => {
                let streams = streams.iter().filter_map(|stream| self.streams.get(stream));
                let positions = streams.flat_map(|stream| &stream.positions).copied();
                let mut positions: Vec<_> = positions.filter(is_inside).collect();
                positions.sort_unstable();
                positions.dedup();
                at(positions)
            }
            Source::Conversation(id) => {
                let mut positions: Vec<_> = self.conversation(id).filter(is_inside).collect();
                positions.reverse();
                at(positions)
            }
        };
        messages.filter(|message| selection.contains(message))
    }

    /// The newest first.
    fn conversation(&self, id: CorrelationId) -> impl Iterator<Item = Position> {
        let last = self.last_of.get(&id).copied();
        std::iter::successors(last, |position| self.before[index(*position) - 1])
    }
}

fn in_direction<'m>(
    direction: Direction,
    messages: impl DoubleEndedIterator<Item = &'m StoredMessage> + 'm,
) -> Box<dyn Iterator<Item = &'m StoredMessage> + 'm> {
    match direction {
        Direction::Forwards => Box::new(messages),
        Direction::Backwards => Box::new(messages.rev()),
    }
}
