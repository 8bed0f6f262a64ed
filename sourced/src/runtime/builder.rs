//! Building an app: everything that can be wrong is said before anything runs.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::app::Inner;
use super::recurring::{Make, Recipe};
use super::vitals::WorkersHere;
use super::{App, BuildError, ReactorOptions, WorkerOptions};
use crate::actor::Outgoing;
use crate::backend::{Backend, BackendError, Group, Memory, Signal, StartFrom, Table};
use crate::env::Env;
use crate::message::{Metadata, Tick, TypeName};
use crate::reactor::{Reactor, Register, Resources, Services, States};
use crate::recurrence::Recurrence;
use crate::stream::{GroupId, RecurrenceId};
use crate::table::group_of_version;
use crate::topology::{self, Flow, Topology, Warning};

/// Collects what an app is made of. Made by [`App::builder`].
#[must_use = "an app builder does nothing until it is built"]
pub struct AppBuilder {
    backend: Option<Arc<dyn Backend>>,
    env: Env,
    reactors: Vec<Arc<dyn Reactor>>,
    /// Of those that have some.
    options: HashMap<GroupId, ReactorOptions>,
    resources: Resources,
    recurring: Vec<(String, Recurrence, Make)>,
    workers: WorkerOptions,
    known_states: usize,
}

impl AppBuilder {
    pub(super) fn new(env: Env) -> Self {
        Self {
            backend: None,
            env,
            reactors: Vec::new(),
            options: HashMap::new(),
            resources: Resources::default(),
            recurring: Vec::new(),
            workers: WorkerOptions::default(),
            known_states: 10_000,
        }
    }

    /// Where messages are stored; in memory when nothing is said.
    pub fn backend(mut self, backend: impl Backend) -> Self {
        self.backend = Some(Arc::new(backend));
        self
    }

    /// Adds an actor or a projector.
    pub fn register<R: Register>(mut self) -> Self {
        self.reactors.push(R::reactor());
        self
    }

    /// As [`register`](Self::register), but when the storage does not know the reactor's group yet, it begins there
    /// instead of at the first message ever stored.
    ///
    /// ```
    /// use sourced::backend::StartFrom;
    /// use sourced::prelude::*;
    /// # #[derive(Debug, Default)]
    /// # struct Door;
    /// # #[actor]
    /// # impl Door {
    /// #     #[command]
    /// #     fn open(&self) -> Opened { Opened }
    /// #     #[event]
    /// #     fn opened(&mut self) {}
    /// # }
    ///
    /// #[derive(Default)]
    /// struct Doorman;
    ///
    /// #[handler]
    /// impl Doorman {
    ///     #[on]
    ///     async fn opened(&self, _: &Opened) -> Result<(), Failure> {
    ///         println!("come in");
    ///         Ok(())
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let app = App::builder()
    ///     .register::<Door>()
    ///     .register_from::<Doorman>(StartFrom::Now)
    ///     .build()
    ///     .await?;
    /// # Ok(()) }
    /// ```
    pub fn register_from<R: Register>(self, start: StartFrom) -> Self {
        self.register_with::<R>(ReactorOptions::default().start_from(start))
    }

    /// As [`register`](Self::register), with what is different for this reactor: what happens when it fails, how much of
    /// it runs at the same time, where it begins.
    ///
    /// ```
    /// use sourced::prelude::*;
    /// use sourced::{LastResort, ReactorOptions, RetryPolicy};
    /// # #[derive(Debug, Default)]
    /// # struct Door;
    /// # #[actor]
    /// # impl Door {
    /// #     #[command]
    /// #     fn open(&self) -> Opened { Opened }
    /// #     #[event]
    /// #     fn opened(&mut self) {}
    /// # }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let retry = RetryPolicy::default().last_resort(LastResort::StopGroup);
    /// let app = App::builder()
    ///     .register_with::<Door>(ReactorOptions::default().retry(retry).lanes(8))
    ///     .build()
    ///     .await?;
    /// # Ok(()) }
    /// ```
    pub fn register_with<R: Register>(mut self, options: ReactorOptions) -> Self {
        let reactor = R::reactor();
        self.options.insert(reactor.group().clone(), options);
        self.reactors.push(reactor);
        self
    }

    /// Adds what handlers may ask for as [`Res<T>`](crate::Res), which shares it: no `Arc` is needed around it.
    pub fn resource<T: Send + Sync + 'static>(mut self, resource: T) -> Self {
        self.resources.insert(resource);
        self
    }

    /// Brings other ports for time, chance, ids and tasks, as a simulator does.
    pub fn env(mut self, env: Env) -> Self {
        self.env = env;
        self
    }

    /// Dispatches a command at each tick of a rule, once, however many processes run this app's workers.
    ///
    /// The name is what all processes know the recurrence by, now and in later versions. The command is made anew for
    /// each tick, and its [`Message::tick`](crate::Message::tick) says which it is of. Making it may be tried more than
    /// once, and is when the app is built, to see whether it fits; so it should have no effects.
    ///
    /// ```
    /// use std::time::Duration;
    /// use sourced::prelude::*;
    /// use sourced::{CatchUp, Every, Ticks as _};
    ///
    /// #[derive(Default)]
    /// struct Shop;
    ///
    /// #[actor]
    /// impl Shop {
    ///     #[command]
    ///     fn tidy(&self) -> Tidied { Tidied {} }
    ///     #[event]
    ///     fn tidied(&mut self) {}
    /// }
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let hourly = Every(Duration::from_hours(1)).catch_up(CatchUp::Each { at_most: 24 });
    /// let app = App::builder()
    ///     .register::<Shop>()
    ///     .recurring("tidy", Every(Duration::from_mins(15)), |_| Tidy.to("shop"))
    ///     .recurring("tidy-each-hour", hourly, |tick| Tidy.to(format!("shop-{}", tick.at)))
    ///     .build()
    ///     .await?;
    /// assert_eq!(app.recurring().await?[0].last, None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn recurring<C: Into<Outgoing>>(
        mut self,
        name: impl Into<String>,
        recurrence: impl Into<Recurrence>,
        make: impl Fn(&Tick) -> C + Send + Sync + 'static,
    ) -> Self {
        let make: Make = Box::new(move |tick| make(tick).into());
        self.recurring.push((name.into(), recurrence.into(), make));
        self
    }

    /// How workers work.
    pub fn workers(mut self, options: WorkerOptions) -> Self {
        self.workers = options;
        self
    }

    /// How many states of actors and projectors the app may keep in memory, of all of them together; 10,000 by default, 0
    /// for none.
    ///
    /// A command on a stream whose state is known needs no reading before it is decided. What others appended meanwhile
    /// is noticed when it is stored, and then read. A projector goes on from the state it has saved last, unless it reacts.
    /// The states that were not used for longest are dropped.
    pub fn known_states(mut self, known_states: usize) -> Self {
        self.known_states = known_states;
        self
    }

    /// Checks that everything fits together and makes the consumer groups known to the storage.
    ///
    /// What can only go wrong is an error, such as a command that a reaction dispatches and nobody decides. What may be
    /// meant is a warning, such as an event that nobody emits: it is logged, and [`App::warnings`] gives it.
    ///
    /// # Errors
    /// [`BuildError`] says what does not fit; of missing resources, all of them.
    pub async fn build(self) -> Result<App, BuildError> {
        let deciders = deciders(&self.reactors)?;
        self.check_names()?;
        self.check_tables()?;
        self.check_resources()?;
        let flows: Vec<Flow> = self.reactors.iter().map(|reactor| reactor.flow()).collect();
        if let Some(problem) = topology::problems(&flows).into_iter().next() {
            return Err(problem.into());
        }
        let mut warnings = topology::warnings(&flows);
        let backend = self
            .backend
            .unwrap_or_else(|| Arc::new(Memory::with_clock(Arc::clone(&self.env.clock))));
        for reactor in &self.reactors {
            let group = Group {
                id: reactor.group().clone(),
                types: reactor.handled_types(),
                start_from: self
                    .options
                    .get(reactor.group())
                    .map_or(StartFrom::default(), |options| options.start_from),
                order: reactor.order(),
            };
            // First, so that nobody who finds the group misses it.
            if let Some(table) = reactor.table() {
                let ensured = backend.ensure_table(table, reactor.group()).await;
                ensured.map_err(|error| BuildError::of_table(reactor.group(), error))?;
                if let Some(name) = reactor.projection() {
                    backend.enter(table, &group_of_version(name, 1)).await?;
                }
            }
            backend.register_group(&group).await?;
        }
        warnings.extend(acquaint(&*backend, &self.reactors, &self.options).await?);
        for warning in &warnings {
            tracing::warn!("{warning}");
        }
        let recurring = recipes(self.recurring)?;
        let states = States::new(self.known_states);
        let mut services = Services::new(backend, self.env, Arc::new(self.resources), states);
        if flows.iter().all(|flow| !flow.is_opaque) {
            services = services.deciding(deciders.keys().cloned());
        }
        let app = App {
            inner: Arc::new(Inner {
                services: Arc::new(services),
                reactors: self.reactors,
                deciders,
                recurring,
                workers: self.workers,
                options: self.options,
                scheduled: Signal::new(),
                workers_here: WorkersHere::default(),
                topology: Topology::of(&flows),
                warnings,
            }),
            metadata: Metadata::new(),
            principal: None,
        };
        for recipe in &app.inner.recurring {
            app.rehearse(recipe)?;
        }
        Ok(app)
    }

    fn check_names(&self) -> Result<(), BuildError> {
        let clash_of =
            |reactor: &Arc<dyn Reactor>| Some((reactor.clone(), reactor.clashes().pop()?));
        match self.reactors.iter().find_map(clash_of) {
            Some((reactor, clash)) => Err(BuildError::AmbiguousName {
                group: reactor.group().clone(),
                clash,
            }),
            None => Ok(()),
        }
    }

    fn check_tables(&self) -> Result<(), BuildError> {
        let with_table =
            |reactor: &Arc<dyn Reactor>| Some((reactor.clone(), reactor.table()?.clone()));
        let mut known: Vec<(Arc<dyn Reactor>, Table)> = Vec::new();
        for (reactor, table) in self.reactors.iter().filter_map(with_table) {
            // Versions of one projection may stand side by side.
            let clash = known.iter().find(|(other, there)| {
                let is_other = other.projection() != reactor.projection();
                there.physical_name() == table.physical_name()
                    || there.name == table.name && is_other
            });
            if let Some((first, _)) = clash {
                return Err(BuildError::DuplicateTable {
                    table: table.name,
                    first: first.group().clone(),
                    second: reactor.group().clone(),
                });
            }
            known.push((reactor, table));
        }
        Ok(())
    }

    fn check_resources(&self) -> Result<(), BuildError> {
        let missing_of = |reactor: &Arc<dyn Reactor>| {
            let asked_by = |(name, meant): (&str, Option<String>)| {
                let meant = meant.map_or_else(String::new, |meant| format!("; {meant}"));
                format!("`{name}` (asked for by `{}`{meant})", reactor.group())
            };
            self.resources
                .missing(reactor.needs())
                .map(asked_by)
                .collect::<Vec<_>>()
        };
        let mut names: Vec<_> = self.reactors.iter().flat_map(missing_of).collect();
        names.dedup();
        if names.is_empty() {
            Ok(())
        } else {
            Err(BuildError::MissingResources { names })
        }
    }
}

/// Tells the storage what the reactors know, and gives what earlier programs knew besides.
async fn acquaint(
    backend: &dyn Backend,
    reactors: &[Arc<dyn Reactor>],
    options: &HashMap<GroupId, ReactorOptions>,
) -> Result<Vec<Warning>, BackendError> {
    let (mut warnings, mut new) = (Vec::new(), Vec::new());
    for reactor in reactors {
        let group = reactor.group();
        let known = backend.know_types(group, &reactor.known_types()).await?;
        let options = options.get(group);
        let given_up = options.map_or(&[][..], |options| &options.gives_up);
        let mut types = known.lost;
        types.retain(|name| given_up.iter().all(|given_up| given_up != name.as_str()));
        if !types.is_empty() {
            let group = group.clone();
            warnings.push(Warning::TypesLost { group, types });
        }
        if known.is_new && !reactor.decided_types().is_empty() {
            new.push(group.clone());
        }
    }
    if !new.is_empty() {
        let is_left = |id: &GroupId| reactors.iter().all(|reactor| reactor.group() != id);
        let groups = backend.groups().await?.into_iter().map(|group| group.id);
        let left: Vec<_> = groups.filter(is_left).collect();
        if !left.is_empty() {
            warnings.push(Warning::GroupsLeft { new, left });
        }
    }
    Ok(warnings)
}

/// What recurs, when each has a name of its own and a rule with ticks.
fn recipes(recurring: Vec<(String, Recurrence, Make)>) -> Result<Vec<Arc<Recipe>>, BuildError> {
    let mut recipes: Vec<Arc<Recipe>> = Vec::new();
    for (name, recurrence, make) in recurring {
        let id = RecurrenceId::new(name)?;
        if recipes.iter().any(|recipe| recipe.id == id) {
            return Err(BuildError::DuplicateRecurrence(id));
        }
        recipes.push(Arc::new(Recipe {
            id,
            recurrence,
            make,
        }));
    }
    Ok(recipes)
}

/// Who decides which command, when it is one each.
fn deciders(reactors: &[Arc<dyn Reactor>]) -> Result<HashMap<TypeName, GroupId>, BuildError> {
    let mut groups = Vec::new();
    let mut deciders: HashMap<TypeName, GroupId> = HashMap::new();
    for reactor in reactors {
        let group = reactor.group();
        if groups.contains(&group) {
            return Err(BuildError::DuplicateGroup(group.clone()));
        }
        groups.push(group);
        for command in reactor.decided_types() {
            if let Some(first) = deciders.insert(command.clone(), group.clone()) {
                return Err(BuildError::TwoDeciders {
                    command,
                    first,
                    second: group.clone(),
                });
            }
        }
    }
    Ok(deciders)
}

impl fmt::Debug for AppBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppBuilder")
            .field("reactors", &self.reactors)
            .finish_non_exhaustive()
    }
}
