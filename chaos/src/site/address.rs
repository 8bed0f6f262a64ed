//! An address that leads to one server now and to another one later.

use std::io;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Hands connections on to the server of the day; those to the one before are cut.
#[derive(Debug)]
pub(crate) struct Address {
    port: u16,
    leads_to: watch::Sender<u16>,
}

impl Address {
    /// A new one, which leads to this port.
    pub(crate) async fn leading_to(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (leads_to, server) = watch::channel(port);
        let port = listener.local_addr()?.port();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(hand_on(client, server.clone()));
            }
        });
        Ok(Self { port, leads_to })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Leads to this port from now on.
    pub(crate) fn lead_to(&self, port: u16) {
        self.leads_to.send_replace(port);
    }
}

async fn hand_on(mut client: TcpStream, mut leads_to: watch::Receiver<u16>) -> io::Result<()> {
    let port = *leads_to.borrow_and_update();
    let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
    for connection in [&client, &server] {
        connection.set_nodelay(true)?;
    }
    tokio::select! {
        ended = copy_bidirectional(&mut client, &mut server) => ended.map(drop),
        _ = leads_to.changed() => Ok(()),
    }
}
