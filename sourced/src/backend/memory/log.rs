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
        self.state().log.read_stream(&read)
    }

    async fn read_log(&self, read: &ReadLog) -> Result<Page, BackendError> {
        let state = self.state();
        let stretch = read.stretch(state.log.end());
        let found = state.log.select(&read.selection, stretch);
        let found = in_direction(read.direction, found).take(read.most());
        read.page(stretch, found.cloned().map(Ok))
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
        let state = self.state();
        let found = state.log.find(id);
        found.map(|message| state.log.left(message)).transpose()
    }

    async fn read_correlation(
        &self,
        id: CorrelationId,
    ) -> Result<Vec<StoredMessage>, BackendError> {
        let state = self.state();
        let positions = state.log.conversation(id);
        let messages = positions.map(|position| state.log.left(state.log.at(position)));
        let mut messages = messages.collect::<Result<Vec<_>, _>>()?;
        messages.reverse();
        Ok(messages)
    }
}

impl Log {
    fn read_stream(&self, read: &ReadStream) -> Result<Vec<StoredMessage>, BackendError> {
        let part = self.part(read);
        let removed = part
            .iter()
            .filter(|message| self.is_removed(message.position));
        if let Some(last) = removed.max_by_key(|message| message.seq) {
            self.left(last)?;
        }
        Ok(part.into_iter().cloned().collect())
    }

    /// The messages of a part of a stream, the removed ones included.
    pub(super) fn part(&self, read: &ReadStream) -> Vec<&StoredMessage> {
        let all = self.positions(&read.stream);
        let to_index =
            |seq: Seq| usize::try_from(seq.get()).map_or(all.len(), |n| n.min(all.len()));
        let from = read.after.map_or(0, to_index);
        let upto = read.upto.map_or(all.len(), to_index);
        let part = all.get(from..upto).unwrap_or_default().iter();
        let kind = read.kind;
        let messages = part
            .map(|position| self.at(*position))
            .filter(move |message| kind.is_none_or(|kind| kind == message.kind));
        in_direction(read.direction, messages)
            .take(read.limit.unwrap_or(usize::MAX))
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
        messages
            .filter(|message| !self.is_removed(message.position))
            .filter(|message| selection.contains(message))
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
