//! Every public async function, once: how it is called, and what holds when the call was given up.

mod actors;
mod app;
mod claims;
mod groups;
mod inside;
mod log;
mod opening;
mod operating;
mod reading;
mod testing;
mod upkeep;

use std::collections::BTreeSet;
use std::fmt;

use futures_util::future::BoxFuture;

use crate::backends::On;
use crate::cut::Cut;
use crate::world::World;

/// A public async function. That its call can be boxed shows that all of them are `Send`.
#[derive(Clone, Copy)]
pub struct Call {
    /// As [`crate::listed`] names it.
    pub of: &'static str,
    /// Prepares a call: for which task, and with which number.
    pub make: fn(World, usize, u64) -> BoxFuture<'static, Made>,
    pub on: Where,
}

/// Where there is such a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    Everywhere,
    /// Where transactions of the caller's can be joined.
    Databases,
    Memory,
    Sqlite,
    Postgres,
}

impl Where {
    pub fn is(self, on: &On) -> bool {
        match (self, on) {
            (Self::Everywhere, _) => true,
            (Self::Databases, on) => !matches!(on, On::Memory(_)),
            (Self::Memory, on) => matches!(on, On::Memory(_)),
            (Self::Sqlite, on) => matches!(on, On::Sqlite(..)),
            (Self::Postgres, on) => matches!(on, On::Postgres(_)),
        }
    }
}

/// A call that is about to be made.
pub struct Made {
    pub run: Run,
    pub check: Check,
}

pub enum Run {
    /// The call.
    Plain(BoxFuture<'static, ()>),
    /// The call, which waits for others and perhaps for ever.
    Waiting(BoxFuture<'static, ()>),
    /// Something that gives the call up itself, to go on with what that was made in. Says whether it did.
    ByItself(Box<dyn FnOnce(Cut) -> BoxFuture<'static, bool> + Send>),
}

/// What has to hold when the call has come to its end, which may take a moment after it was given up.
pub type Check = Box<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

impl Made {
    pub fn plain(run: impl Future<Output = ()> + Send + 'static) -> Self {
        Self::of(Run::Plain(Box::pin(run)))
    }

    pub fn waiting(run: impl Future<Output = ()> + Send + 'static) -> Self {
        Self::of(Run::Waiting(Box::pin(run)))
    }

    pub fn by_itself<F>(run: impl FnOnce(Cut) -> F + Send + 'static) -> Self
    where
        F: Future<Output = bool> + Send + 'static,
    {
        Self::of(Run::ByItself(Box::new(|cut| Box::pin(run(cut)))))
    }

    fn of(run: Run) -> Self {
        Self {
            run,
            check: Box::new(|| Box::pin(async { Ok(()) })),
        }
    }

    /// Checks this with what it has to know.
    pub fn then<S, F>(mut self, known: S, check: fn(S) -> F) -> Self
    where
        S: Clone + Send + Sync + 'static,
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.check = Box::new(move || Box::pin(check(known.clone())));
        self
    }
}

/// A row of a table of calls: `call!("App::groups", w, task, n => { ... })`.
macro_rules! call {
    ($of:literal, $world:pat, $task:pat, $n:pat => $make:expr) => {
        call!(Everywhere, $of, $world, $task, $n => $make)
    };
    ($on:ident, $of:literal, $world:pat, $task:pat, $n:pat => $make:expr) => {
        $crate::calls::Call {
            of: $of,
            make: |$world, $task, $n| Box::pin(async move { $make }),
            on: $crate::calls::Where::$on,
        }
    };
}
pub(crate) use call;

/// Lets it pass that somebody was faster, such as an earlier call that was given up.
pub fn fine<T, E: fmt::Display>(result: Result<T, E>, was_faster: impl FnOnce(&E) -> bool) {
    if let Err(error) = result {
        assert!(was_faster(&error), "{error}");
    }
}

/// Says which of these are so where others are not.
pub fn all_or_none(parts: &[(&str, bool)]) -> Result<(), String> {
    let is_first = parts.first().is_some_and(|(_, is)| *is);
    if parts.iter().all(|(_, is)| *is == is_first) {
        return Ok(());
    }
    Err(format!("half done: {parts:?}"))
}

/// All of them.
pub fn all() -> Vec<Call> {
    [
        actors::CALLS,
        app::CALLS,
        claims::CALLS,
        groups::CALLS,
        inside::CALLS,
        log::CALLS,
        opening::CALLS,
        operating::CALLS,
        reading::CALLS,
        testing::CALLS,
        upkeep::CALLS,
    ]
    .concat()
}

/// What users write, and what only the library calls: given up together with the call that calls it.
const WITHIN: &[(&str, &str)] = &[
    ("AfterRow::after_sync", "Afterwards::run"),
    ("AfterSync::after_sync", "Afterwards::run"),
    ("Decides::decide", "ActorRef::execute"),
    ("Faults::around", "Store::append"),
    ("Loads::load", "Reactor::handle"),
    ("LoadsInTx::load", "Units::commit_unit"),
    ("Projector::sync", "Unit::handle"),
    ("Reactor::footing", "App::truncate"),
    ("Reacts::react", "Unit::handle"),
    ("SyncAction::run", "Units::commit_unit"),
    ("TxOps::change_rows", "Tx::change_rows"),
    ("TxOps::delete_document", "Tx::delete"),
    ("TxOps::get_document", "Tx::get"),
    ("TxOps::put_document", "Tx::put"),
    ("TxOps::read_rows", "Tx::read_rows"),
    // Of the simulator's executor, which nobody but a simulated clock has.
    ("Sleep::await", "Client::pause"),
];

#[test]
fn no_public_async_function_is_forgotten() {
    let listed = crate::listed::all();
    let called: BTreeSet<String> = all().iter().map(|call| call.of.to_owned()).collect();
    for (name, by) in WITHIN {
        assert!(
            called.contains(*by),
            "`{name}` is within `{by}`, which is not called"
        );
    }
    let within = WITHIN.iter().map(|(name, _)| (*name).to_owned());
    let known: BTreeSet<String> = called.into_iter().chain(within).collect();
    let forgotten: Vec<_> = listed.difference(&known).collect();
    let gone: Vec<_> = known.difference(&listed).collect();
    assert!(
        forgotten.is_empty() && gone.is_empty(),
        "public async functions that nobody gives up: {forgotten:#?}; add a call of each to `tests/runtime/dropping/calls`. \
         Calls of what is not there: {gone:#?}"
    );
}
