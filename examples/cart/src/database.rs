//! Where the shop keeps everything.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context as _;
use sourced::{App, WorkerOptions};
use sourced_postgres::Postgres;
use sourced_sqlite::Sqlite;

use crate::cart::Cart;
use crate::listings::CartListings;

/// How long the carts that a killed process was busy with stay its own. A new start waits for them, so it is short.
const LEASE: Duration = Duration::from_secs(5);

/// One of the three backends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// Gone when the program ends.
    Memory,
    /// A file.
    Sqlite(PathBuf),
    /// A server.
    Postgres {
        /// How to reach it.
        url: String,
        /// Where in it; `sourced` when nothing is said.
        schema: Option<String>,
    },
}

impl FromStr for Database {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let path = |path: &str| Self::Sqlite(PathBuf::from(path));
        Ok(match text.split_once(':') {
            None if text == "memory" => Self::Memory,
            Some(("postgres" | "postgresql", _)) => Self::postgres(text),
            Some(("sqlite", rest)) => path(rest.strip_prefix("//").unwrap_or(rest)),
            _ => path(text),
        })
    }
}

impl Database {
    /// Takes `schema=…` out of the query: it is ours, Postgres does not know it.
    fn postgres(url: &str) -> Self {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let is_ours = |part: &&str| part.starts_with("schema=");
        let parts = || query.split('&').filter(|part| !part.is_empty());
        let theirs: Vec<_> = parts().filter(|part| !is_ours(part)).collect();
        let mut url = base.to_owned();
        if !theirs.is_empty() {
            url = format!("{base}?{}", theirs.join("&"));
        }
        let schema = parts()
            .find(is_ours)
            .map(|part| part["schema=".len()..].to_owned());
        Self::Postgres { url, schema }
    }

    /// The same, in this schema when it is a server and one is named.
    #[must_use]
    pub fn in_schema(self, name: Option<&str>) -> Self {
        match (self, name) {
            (Self::Postgres { url, .. }, Some(name)) => Self::Postgres {
                url,
                schema: Some(name.to_owned()),
            },
            (other, _) => other,
        }
    }

    /// The shop on this database.
    ///
    /// # Errors
    /// When the database cannot be opened or set up.
    pub async fn open(&self) -> anyhow::Result<App> {
        let app = App::builder()
            .workers(WorkerOptions::default().lease(LEASE))
            .register::<Cart>()
            .register::<CartListings>();
        let app = match self {
            Self::Memory => app,
            Self::Sqlite(path) => app.backend(
                Sqlite::open(path)
                    .await
                    .with_context(|| format!("cannot open {self}"))?,
            ),
            Self::Postgres { url, schema } => {
                let mut postgres = Postgres::builder(url);
                if let Some(schema) = schema {
                    postgres = postgres.schema(schema);
                }
                app.backend(
                    postgres
                        .connect()
                        .await
                        .with_context(|| format!("cannot connect to {self}"))?,
                )
            }
        };
        Ok(app.build().await?)
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::Sqlite(path) => match std::path::absolute(path) {
                Ok(path) => write!(f, "the SQLite file {}", path.display()),
                Err(_) => write!(f, "the SQLite file {}", path.display()),
            },
            // The URL may hold a password.
            Self::Postgres { url, schema } => {
                let place = url
                    .rsplit_once('@')
                    .map_or(url.as_str(), |(_, place)| place);
                write!(
                    f,
                    "Postgres {place}, schema {}",
                    schema.as_deref().unwrap_or("sourced")
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Database {
        text.parse().unwrap()
    }

    #[test]
    fn databases_are_told_apart_by_their_scheme() {
        assert_eq!(parsed("memory"), Database::Memory);
        for path in ["a/b.db", "sqlite:a/b.db", "sqlite://a/b.db"] {
            assert_eq!(parsed(path), Database::Sqlite("a/b.db".into()));
        }
    }

    #[test]
    fn the_schema_is_taken_out_of_the_url() {
        let Database::Postgres { url, schema } =
            parsed("postgres://u:p@h/db?sslmode=disable&schema=shop")
        else {
            panic!("not a server")
        };
        assert_eq!(
            (url.as_str(), schema.as_deref()),
            ("postgres://u:p@h/db?sslmode=disable", Some("shop"))
        );
        assert_eq!(
            parsed("postgres://u:p@h/db").to_string(),
            "Postgres h/db, schema sourced"
        );
    }
}
