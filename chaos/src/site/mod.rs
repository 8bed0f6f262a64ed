//! Where the database is, and what becomes of that place: it stands still, takes no writes, is set back, fails over.

mod address;
mod file;
mod server;

use std::path::Path;
use std::time::Instant;

use self::file::File;
pub(crate) use self::server::Server;
use crate::args::{Args, Backend, Move};
use crate::database::Database;

/// A server or a file, and what it goes through for a while.
pub(crate) struct Site {
    pub(crate) place: Place,
    /// When a spell is over, if one lasts.
    until: Option<Instant>,
}

/// What holds the database.
pub(crate) enum Place {
    Server(Server),
    File(File),
}

/// What passes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Spell {
    /// Nobody gets an answer.
    StandsStill,
    /// What is there can be read, and nothing be stored.
    TakesNoWrites,
}

impl Site {
    /// A new place for a database, in this folder if it is a file.
    pub(crate) async fn found(args: &Args, folder: &Path) -> anyhow::Result<Self> {
        let place = match args.backend {
            Backend::Postgres => Place::Server(Server::start(args.moves).await?),
            Backend::Sqlite => Place::File(File::new(folder.join("chaos.db"))),
        };
        Ok(Self { place, until: None })
    }

    /// What the processes are told.
    pub(crate) fn database(&self) -> Database {
        match &self.place {
            Place::Server(server) => Database::Postgres(server.url()),
            Place::File(file) => Database::Sqlite(file.path().to_owned()),
        }
    }

    /// The server, if it is one, which is itself again.
    pub(crate) async fn server(&mut self) -> anyhow::Result<Option<&mut Server>> {
        self.end_spell().await?;
        Ok(match &mut self.place {
            Place::Server(server) => Some(server),
            Place::File(_) => None,
        })
    }

    /// Begins a spell that lasts until then.
    pub(crate) async fn cast(&mut self, spell: Spell, until: Instant) -> anyhow::Result<()> {
        self.end_spell().await?;
        match (&mut self.place, spell) {
            (Place::Server(server), Spell::StandsStill) => server.halt(),
            (Place::Server(server), Spell::TakesNoWrites) => server.refuse_writes().await?,
            (Place::File(file), _) => file.hold_the_lock().await?,
        }
        self.until = Some(until);
        Ok(())
    }

    /// Ends a spell whose time is over.
    pub(crate) async fn look(&mut self, now: Instant) -> anyhow::Result<()> {
        match self.until {
            Some(until) if until <= now => self.end_spell().await,
            _ => Ok(()),
        }
    }

    /// Ends the spell that lasts.
    pub(crate) async fn end_spell(&mut self) -> anyhow::Result<()> {
        if self.until.take().is_none() {
            return Ok(());
        }
        match &mut self.place {
            Place::Server(server) => server.be_itself().await,
            Place::File(file) => file.give_the_lock_back().await,
        }
    }

    /// Keeps a copy of what is stored by now.
    pub(crate) async fn copy(&mut self) -> anyhow::Result<()> {
        self.end_spell().await?;
        match &mut self.place {
            Place::Server(server) => server.copy(),
            Place::File(file) => file.copy().await?,
        }
        Ok(())
    }

    /// Puts the copy in the place of the database.
    pub(crate) async fn restore(&mut self) -> anyhow::Result<()> {
        self.end_spell().await?;
        match &mut self.place {
            Place::Server(server) => server.restore(),
            Place::File(file) => file.restore()?,
        }
        Ok(())
    }
}

impl Move {
    /// Whether there is a replica that takes over.
    pub(crate) fn has_replica(self) -> bool {
        self != Self::Restore
    }
}
