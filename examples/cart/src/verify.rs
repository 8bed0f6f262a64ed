//! Checks a log against the input: everything decided once, nothing lost, nothing doubled.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::process::ExitCode;

use futures_util::TryStreamExt as _;
use sourced::{
    App, Kind, Message, MessageId, MessageType as _, Selection, Seq, StoredMessage, StreamId,
};

use crate::cart::{
    AddItem, ItemAdded, ItemRemoved, PaymentRequested, Place, Placed, RemoveItem, RequestPayment,
};
use crate::input::{Entry, parse};
use crate::listing;
use crate::listings::CartListings;
use crate::source::Input;

const PAGE: usize = 1_000;

/// Reads the whole log and prints what is wrong with it. It stays in memory while it is checked.
///
/// # Errors
/// When the storage or the input cannot be read.
pub async fn verify(app: &App, input: &Input) -> anyhow::Result<ExitCode> {
    let mut log = Log::default();
    let mut messages = app.log(Selection::all()).stream();
    while let Some(message) = messages.try_next().await? {
        log.add(message);
    }
    log.check_input(input).await?;
    log.check_decisions(app).await?;
    log.check_reactions();
    log.check_listings(&listing::all(app).await?)?;
    for problem in &log.problems {
        eprintln!("wrong: {problem}");
    }
    let n_wrong = log.problems.len();
    let (n_messages, n_streams) = (log.by_id.len(), log.streams.len());
    eprintln!(
        "verified {n_messages} messages in {n_streams} streams: {} refused, {n_wrong} wrong",
        log.n_refused
    );
    Ok(if n_wrong == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[derive(Default)]
struct Log {
    by_id: HashMap<MessageId, StoredMessage>,
    /// What a message led to.
    effects: HashMap<MessageId, Vec<MessageId>>,
    streams: BTreeMap<StreamId, Vec<MessageId>>,
    n_refused: u64,
    problems: Vec<String>,
}

impl Log {
    fn add(&mut self, message: StoredMessage) {
        let id = message.id;
        let stream = self.streams.entry(message.stream_id.clone()).or_default();
        stream.push(id);
        if message.seq.get() != stream.len() as u64 {
            let expected = stream.len();
            self.problems.push(format!(
                "{} has seq {} where {expected} was expected",
                place(&message),
                message.seq
            ));
        }
        if !message.is_root() {
            self.effects
                .entry(message.causation_id)
                .or_default()
                .push(id);
        }
        if let Some(first) = self.by_id.insert(id, message) {
            self.problems
                .push(format!("the id {id} of {} is stored twice", place(&first)));
        }
    }

    /// Every command of the input is there, as it was given, and in the order of its cart.
    async fn check_input(&mut self, input: &Input) -> anyhow::Result<()> {
        let mut lines = input.read()?;
        let mut last_of: HashMap<StreamId, Seq> = HashMap::new();
        while let Some(line) = lines.recv().await.transpose()? {
            let Some(Ok(Entry {
                id: Some(id),
                cart,
                command,
            })) = line.text.ok().map(|text| parse(&text))
            else {
                continue;
            };
            let number = line.number;
            let Some(stored) = self.by_id.get(&id) else {
                self.problems
                    .push(format!("the command {id} of line {number} is not stored"));
                continue;
            };
            if stored.stream_id != cart
                || stored.type_name != *command.type_name()
                || !stored.is_root()
            {
                self.problems.push(format!(
                    "line {number} is stored as something else: {}",
                    place(stored)
                ));
            }
            let last = last_of.insert(cart, stored.seq);
            if last.is_some_and(|last| last >= stored.seq) {
                self.problems.push(format!(
                    "line {number} is stored before an earlier line: {}",
                    place(stored)
                ));
            }
        }
        Ok(())
    }

    /// Every command led to its one event, or was refused; not both, not neither.
    async fn check_decisions(&mut self, app: &App) -> anyhow::Result<()> {
        let is_command = |message: &&StoredMessage| message.kind == Kind::Command;
        let commands: Vec<_> = self.by_id.values().filter(is_command).collect();
        let mut refused: HashSet<MessageId> = HashSet::new();
        for page in commands.chunks(PAGE) {
            let ids: Vec<_> = page.iter().map(|command| command.id).collect();
            let refusals = app.backend().refusals(&ids).await?;
            refused.extend(refusals.into_iter().map(|refusal| refusal.command));
        }
        for command in commands {
            let refusals = usize::from(refused.contains(&command.id));
            self.n_refused += refusals as u64;
            let effects = self.effects.get(&command.id).map_or(&[][..], Vec::as_slice);
            let event = match command.type_name.as_str() {
                AddItem::NAME => ItemAdded::NAME,
                RemoveItem::NAME => ItemRemoved::NAME,
                Place::NAME => Placed::NAME,
                RequestPayment::NAME => PaymentRequested::NAME,
                _ => "no event",
            };
            let is_its_event = |id: &&MessageId| {
                self.by_id.get(id).is_some_and(|effect| {
                    effect.type_name.as_str() == event
                        && effect.stream_id == command.stream_id
                        && effect.seq > command.seq
                })
            };
            let events = effects.iter().filter(is_its_event).count();
            if (events, refusals) != (1, 0) && (events, refusals) != (0, 1)
                || events != effects.len()
            {
                let n_effects = effects.len();
                self.problems.push(format!(
                    "{} has {refusals} refusals and led to {n_effects} messages",
                    place(command)
                ));
            }
        }
        Ok(())
    }

    /// Every order led to one request for payment, nothing else led to anything, in the order of the events.
    fn check_reactions(&mut self) {
        for event in self
            .by_id
            .values()
            .filter(|message| message.kind == Kind::Event)
        {
            let effects = self.effects.get(&event.id).map_or(&[][..], Vec::as_slice);
            let names: Vec<_> = effects
                .iter()
                .filter_map(|id| self.by_id.get(id))
                .map(|effect| effect.type_name.as_str())
                .collect();
            let expected: &[&str] = if event.type_name.as_str() == Placed::NAME {
                &[RequestPayment::NAME]
            } else {
                &[]
            };
            if names != expected {
                self.problems.push(format!(
                    "{} led to {names:?}, not to {expected:?}",
                    place(event)
                ));
            }
        }
        for stream in self.streams.values() {
            let of_kind = |kind| {
                stream
                    .iter()
                    .filter_map(|id| self.by_id.get(id))
                    .filter(move |found| found.kind == kind)
            };
            let causes: Vec<_> = of_kind(Kind::Event)
                .filter_map(|event| self.by_id.get(&event.causation_id))
                .map(|cause| cause.seq)
                .collect();
            let last = of_kind(Kind::Event).next_back();
            if let Some(last) = last
                && !causes.is_sorted()
            {
                self.problems.push(format!(
                    "the commands of {} were not decided in their order",
                    last.stream_id
                ));
            }
        }
    }

    /// The listings are what the events say.
    fn check_listings(&mut self, stored: &[CartListings]) -> anyhow::Result<()> {
        let mut expected = Vec::new();
        for (stream, ids) in &self.streams {
            let mut events = ids
                .iter()
                .filter_map(|id| self.by_id.get(id))
                .filter(|found| found.kind == Kind::Event)
                .peekable();
            if events.peek().is_some() {
                expected.push(folded(stream, events)?);
            }
        }
        for (expected, stored) in expected
            .iter()
            .zip(stored)
            .filter(|(expected, stored)| expected != stored)
        {
            let (expected, stored) = (listing::line(expected), listing::line(stored));
            self.problems.push(format!(
                "a listing is\n  {stored}\nwhere the log says\n  {expected}"
            ));
        }
        if expected.len() != stored.len() {
            self.problems.push(format!(
                "there are {} listings of {} carts",
                stored.len(),
                expected.len()
            ));
        }
        Ok(())
    }
}

fn folded<'a>(
    stream: &StreamId,
    events: impl Iterator<Item = &'a StoredMessage>,
) -> anyhow::Result<CartListings> {
    let mut listing = CartListings::new(stream);
    for event in events {
        match event.type_name.as_str() {
            ItemAdded::NAME => listing.added(&event.decode().map(payload)?),
            ItemRemoved::NAME => listing.removed(&event.decode().map(payload)?),
            Placed::NAME => listing.placed(&event.decode().map(payload)?),
            PaymentRequested::NAME => listing.billed(&event.decode().map(payload)?),
            _ => {}
        }
    }
    Ok(listing)
}

fn payload<P>(message: Message<P>) -> P {
    message.payload
}

fn place(message: &StoredMessage) -> String {
    format!(
        "`{}` at {}#{}",
        message.type_name, message.stream_id, message.seq
    )
}
