//! A PostgreSQL server, perhaps with a replica.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use sourced_testing::postgres::ThrowawayPostgres;
use sqlx::{Connection as _, PgConnection};
use tokio::task::block_in_place;
use tokio::time::sleep;

use super::address::Address;
use crate::args::Move;

/// Between two looks at a replica.
const LOOK: Duration = Duration::from_millis(20);
/// How long a replica may take for what its server has.
const FOLLOWS_WITHIN: Duration = Duration::from_secs(30);

/// A server, and who takes over from it.
pub(crate) struct Server {
    server: ThrowawayPostgres,
    standby: Option<Standby>,
}

struct Standby {
    replica: ThrowawayPostgres,
    /// Where the processes look for the server, whichever it is.
    address: Address,
}

impl Server {
    /// Starts it, with a replica where one is to take over.
    pub(crate) async fn start(moves: Option<Move>) -> anyhow::Result<Self> {
        let server = block_in_place(ThrowawayPostgres::start);
        if moves == Some(Move::SynchronousFailover) {
            // The replica has all settings of its server, and keeps them when it is promoted.
            administer(
                &server,
                &["ALTER SYSTEM SET synchronous_standby_names = walreceiver"],
            )
            .await?;
        }
        let standby = if moves.is_some_and(Move::has_replica) {
            let replica = block_in_place(|| server.replica());
            let address = Address::leading_to(server.port()).await?;
            Some(Standby { replica, address })
        } else {
            None
        };
        Ok(Self { server, standby })
    }

    /// Where the processes connect.
    pub(crate) fn url(&self) -> String {
        match &self.standby {
            Some(Standby { address, .. }) => {
                format!("postgres://sourced@127.0.0.1:{}/postgres", address.port())
            }
            None => self.server.url().to_owned(),
        }
    }

    /// Where the server itself is.
    pub(crate) fn own_url(&self) -> &str {
        self.server.url()
    }

    pub(crate) fn kill(&self) {
        block_in_place(|| self.server.kill());
    }

    pub(crate) fn restart(&self) {
        block_in_place(|| self.server.restart());
    }

    pub(super) fn halt(&self) {
        block_in_place(|| self.server.halt());
    }

    pub(super) async fn refuse_writes(&self) -> anyhow::Result<()> {
        self.administer(&["ALTER SYSTEM SET default_transaction_read_only = on"])
            .await
    }

    pub(super) async fn be_itself(&self) -> anyhow::Result<()> {
        block_in_place(|| self.server.go_on());
        self.administer(&["ALTER SYSTEM RESET default_transaction_read_only"])
            .await
    }

    pub(super) fn copy(&self) {
        block_in_place(|| self.server.copy());
    }

    pub(super) fn restore(&self) {
        block_in_place(|| self.server.restore());
    }

    /// Waits until the replica has all that the server has now.
    pub(crate) async fn has_followed(&self) -> anyhow::Result<()> {
        const FOLLOWERS: &str = "SELECT count(*) FROM pg_stat_replication
             WHERE application_name = 'walreceiver' AND flush_lsn >= $1::pg_lsn";
        let mut connection = PgConnection::connect(self.own_url()).await?;
        let end: String = sqlx::query_scalar("SELECT pg_current_wal_lsn()::text")
            .fetch_one(&mut connection)
            .await?;
        let mut waited = Duration::ZERO;
        loop {
            let followers: i64 = sqlx::query_scalar(FOLLOWERS)
                .bind(&end)
                .fetch_one(&mut connection)
                .await?;
            if followers > 0 {
                return Ok(());
            }
            ensure!(waited < FOLLOWS_WITHIN, "the replica does not follow");
            sleep(LOOK).await;
            waited += LOOK;
        }
    }

    /// Cuts the replica off, and some time later kills the server and has the replica take over. Another replica follows it.
    pub(crate) async fn fail_over(&mut self, lag: Duration) -> anyhow::Result<()> {
        let standby = self.standby.as_mut().context("there is no replica")?;
        administer(
            &standby.replica,
            &["ALTER SYSTEM SET primary_conninfo = ''"],
        )
        .await?;
        sleep(lag).await;
        block_in_place(|| {
            self.server.kill();
            standby.replica.promote();
        });
        standby.address.lead_to(standby.replica.port());
        let replica = block_in_place(|| standby.replica.replica());
        self.server = std::mem::replace(&mut standby.replica, replica);
        Ok(())
    }

    async fn administer(&self, changes: &[&'static str]) -> anyhow::Result<()> {
        administer(&self.server, changes).await
    }
}

/// Changes settings, also of those who are connected.
async fn administer(server: &ThrowawayPostgres, changes: &[&'static str]) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(server.url()).await?;
    for change in changes.iter().chain(&["SELECT pg_reload_conf()"]) {
        sqlx::raw_sql(*change).execute(&mut connection).await?;
    }
    connection.close().await?;
    Ok(())
}
