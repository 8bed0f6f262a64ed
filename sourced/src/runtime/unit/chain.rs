//! One try at a unit: from its command, breadth first, to everything that follows from it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use super::draft::Draft;
use super::site::Site;
use super::{Commands, Unit, UnitError};
use crate::backend::{Delivery, Lane, Refusal, StreamAppend, UnitCommit, UnitError as CommitError};
use crate::message::{Kind, MessageId, NewMessage, StoredMessage};
use crate::reactor::{
    Afterwards, Batch, Handled, Progress, Reactor, Services, Streams, handle_guarded,
};
use crate::stream::{GroupId, StreamId};

/// What has come up so far.
pub(super) struct Chain<'a> {
    unit: &'a Unit,
    services: Arc<Services>,
    /// Lanes whose share is left to the workers.
    left: &'a HashSet<Lane>,
    /// Groups whose share is.
    absent: &'a HashSet<GroupId>,
    draft: Arc<Draft>,
    /// In the order of coming up.
    links: Vec<Link>,
    waiting: VecDeque<usize>,
    commit: UnitCommit,
    settled: HashSet<Lane>,
    /// Lanes of reactors that cannot take part.
    outside: HashSet<Lane>,
    /// What to do when it is stored.
    afterwards: Vec<Arc<dyn Afterwards>>,
}

/// The chain as it is stored.
pub(super) struct Stored {
    /// Each with the group it comes from.
    pub(super) messages: Vec<(Option<GroupId>, StoredMessage)>,
    pub(super) refusals: Vec<Refusal>,
    /// Lanes of reactors that could not take part.
    pub(super) outside: HashSet<Lane>,
}

/// A message of the chain.
struct Link {
    stream: StreamId,
    message: NewMessage,
    drafted: StoredMessage,
    /// The group it comes from.
    source: Option<GroupId>,
}

impl<'a> Chain<'a> {
    pub(super) fn new(
        unit: &'a Unit,
        services: Arc<Services>,
        left: &'a HashSet<Lane>,
        absent: &'a HashSet<GroupId>,
        stored: Arc<dyn Streams>,
    ) -> Self {
        Self {
            unit,
            services,
            left,
            absent,
            draft: Arc::new(Draft::new(stored)),
            links: Vec::new(),
            waiting: VecDeque::new(),
            commit: UnitCommit::default(),
            settled: HashSet::new(),
            outside: HashSet::new(),
            afterwards: Vec::new(),
        }
    }

    /// Works the chain out. Stores nothing.
    pub(super) async fn run(
        &mut self,
        stream: StreamId,
        root: NewMessage,
    ) -> Result<(), UnitError> {
        self.add(None, stream, root).await?;
        let mut n_handled = 0;
        while let Some(index) = self.waiting.pop_front() {
            n_handled += 1;
            if n_handled > self.unit.max_messages {
                return Err(self.loop_at(index));
            }
            for reactor in self.unit.reactors() {
                if reactor
                    .handled_types()
                    .contains(&self.links[index].drafted.type_name)
                {
                    self.handle(&**reactor, index).await?;
                }
            }
        }
        Ok(())
    }

    async fn add(
        &mut self,
        source: Option<GroupId>,
        stream: StreamId,
        message: NewMessage,
    ) -> Result<(), UnitError> {
        let is_kept = self.unit.commands == Commands::Stored || !self.is_decided_here(&message);
        let drafted = self.draft.add(&stream, message.clone(), is_kept).await?;
        self.waiting.push_back(self.links.len());
        self.links.push(Link {
            stream,
            message,
            drafted,
            source,
        });
        Ok(())
    }

    fn is_decided_here(&self, message: &NewMessage) -> bool {
        message.kind == Kind::Command
            && self
                .unit
                .reactors()
                .any(|reactor| reactor.decided_types().contains(&message.type_name))
    }

    async fn handle(&mut self, reactor: &dyn Reactor, index: usize) -> Result<(), UnitError> {
        let group = reactor.group();
        let drafted = self.links[index].drafted.clone();
        let is_decided_here =
            drafted.kind == Kind::Command && reactor.decided_types().contains(&drafted.type_name);
        let lane = Lane {
            group: group.clone(),
            stream: drafted.stream_id.clone(),
        };
        // A command may be decided before earlier ones, as a durable method does; a reaction waits for its turn.
        if !is_decided_here && self.left.contains(&lane) {
            return Ok(());
        }
        if !reactor.takes_part_in_units() || self.absent.contains(group) {
            self.outside.insert(lane);
            return Ok(());
        }
        let delivery = Delivery {
            message: drafted,
            replaying: false,
        };
        let streams: Arc<dyn Streams> = Arc::<Draft>::clone(&self.draft);
        let batch = Batch {
            stream: &delivery.message.stream_id,
            deliveries: std::slice::from_ref(&delivery),
            streams: &streams,
            services: &self.services,
            progress: &Progress::default(),
        };
        let handled = handle_guarded(reactor, &batch).await?;
        if is_decided_here {
            self.links[index].message.decided_by = Some(group.clone());
        } else {
            let handled = (group.clone(), delivery.message.type_name.clone());
            if !self.commit.handled.contains(&handled) {
                self.commit.handled.push(handled);
            }
            self.settled.insert(lane);
        }
        self.take(group, &delivery.message, handled).await
    }

    async fn take(
        &mut self,
        group: &GroupId,
        handled_message: &StoredMessage,
        handled: Handled,
    ) -> Result<(), UnitError> {
        if let Some(failure) = handled.failure {
            let (group, type_name) = (group.clone(), handled_message.type_name.clone());
            return Err(UnitError::Failed {
                group,
                type_name,
                failure,
            });
        }
        let root = self.links[0].message.id;
        if let Some(refusal) = handled
            .refusals
            .iter()
            .find(|refusal| refusal.command == root)
        {
            return Err(UnitError::Refused(refusal.error.chain()));
        }
        let refusals = handled.refusals.into_iter().map(Refusal::from);
        self.commit.refusals.extend(refusals);
        self.commit.syncs.extend(handled.syncs);
        self.afterwards.extend(handled.afterwards);
        // What is for later is stored with the rest, and handled when its time has come.
        self.commit.schedules.extend(handled.schedules);
        for append in handled.appends {
            for message in append.messages {
                self.add(Some(group.clone()), append.stream.clone(), message)
                    .await?;
            }
        }
        Ok(())
    }

    /// Stores the chain there.
    pub(super) async fn commit(mut self, site: &mut Site<'_>) -> Result<Stored, CommitError> {
        if self.unit.commands == Commands::Dropped {
            let is_dropped = |link: &Link| link.message.decided_by.is_some();
            let dropped: HashSet<MessageId> = self
                .links
                .iter()
                .filter(|link| is_dropped(link))
                .map(|link| link.message.id)
                .collect();
            self.links.retain(|link| !is_dropped(link));
            let refusals = &mut self.commit.refusals;
            refusals.retain(|refusal| !dropped.contains(&refusal.command));
        }
        let shown: HashSet<StreamId> = self
            .settled
            .iter()
            .map(|lane| lane.stream.clone())
            .collect();
        let mut index_of: HashMap<StreamId, usize> = HashMap::new();
        for link in &self.links {
            let index = *index_of
                .entry(link.stream.clone())
                .or_insert(self.commit.appends.len());
            if index == self.commit.appends.len() {
                self.commit.appends.push(StreamAppend {
                    stream: link.stream.clone(),
                    expected: self
                        .draft
                        .expected(&link.stream, shown.contains(&link.stream)),
                    messages: Vec::new(),
                });
            }
            self.commit.appends[index]
                .messages
                .push(link.message.clone());
        }
        let guards = self.draft.guards(|stream| index_of.contains_key(stream));
        self.commit.appends.extend(guards);
        self.commit.settled = self
            .settled
            .into_iter()
            .filter(|lane| index_of.contains_key(&lane.stream))
            .collect();
        self.commit.settled.sort();
        let refusals = self.commit.refusals.clone();
        let places = site.store(self.commit, self.afterwards).await?;
        let places: HashMap<MessageId, _> =
            places.into_iter().map(|place| (place.id, place)).collect();
        let stored = self.links.into_iter().filter_map(|link| {
            let place = places.get(&link.message.id)?;
            let message =
                StoredMessage::stored(link.message, link.stream, place.seq, place.position);
            Some((link.source, message))
        });
        Ok(Stored {
            messages: stored.collect(),
            refusals,
            outside: self.outside,
        })
    }

    /// Names the loop: the types from the last earlier message of the same type to this one, from cause to effect.
    fn loop_at(&self, index: usize) -> UnitError {
        let by_id: HashMap<MessageId, &Link> = self
            .links
            .iter()
            .map(|link| (link.message.id, link))
            .collect();
        let mut path = vec![self.links[index].message.type_name.to_string()];
        let mut link = &self.links[index];
        while let Some(cause) = by_id
            .get(&link.message.causation_id)
            .filter(|cause| cause.message.id != link.message.id)
        {
            link = cause;
            path.push(link.message.type_name.to_string());
            if path.first() == path.last() {
                break;
            }
        }
        path.reverse();
        UnitError::Loop {
            limit: self.unit.max_messages,
            path,
        }
    }
}
