//! What is simulated.

use std::fmt;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sourced::{AppBuilder, Failure, Memory};

use super::client::Client;
use super::fault::Fault;
use super::link::Link;
use super::process::Process;
use super::world::World;

pub(super) type Invariant = (String, Box<dyn Fn(&World) + Send + Sync>);
pub(super) type Workload =
    Box<dyn Fn(Client) -> BoxFuture<'static, Result<(), Failure>> + Send + Sync>;
type Build = Box<dyn Fn(&Process) -> AppBuilder + Send + Sync>;
type Store = Box<dyn Fn(AppBuilder, Memory, Link) -> AppBuilder + Send + Sync>;

/// The same for all histories.
pub(super) struct Setup {
    pub(super) app: Build,
    /// Gives the app the storage, behind the network.
    pub(super) storage: Store,
    pub(super) workload: Option<Workload>,
    pub(super) n_workers: usize,
    pub(super) n_clients: usize,
    pub(super) n_steps: usize,
    pub(super) faults: Vec<Fault>,
    pub(super) always: Vec<Invariant>,
    pub(super) finally: Vec<Invariant>,
    pub(super) horizon: Duration,
    pub(super) at_least: Duration,
    pub(super) patience: Duration,
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup")
            .field("workers", &self.n_workers)
            .field("clients", &self.n_clients)
            .field("steps", &self.n_steps)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}
