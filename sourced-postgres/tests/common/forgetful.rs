//! What a pooler in transaction mode is to its clients: connections that have forgotten everything after each transaction.

use std::io;
use std::str::FromStr as _;

use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Stands before a server, and sends `DISCARD ALL` whenever a connection is outside of a transaction. A statement that was
/// prepared there, even an unnamed one, is gone by the next message, and so is what was set.
pub(crate) struct Forgetful {
    options: PgConnectOptions,
    serving: JoinHandle<()>,
}

impl Forgetful {
    #[expect(
        clippy::disallowed_methods,
        reason = "real sockets live on tokio, and so must what serves them"
    )]
    pub(crate) async fn before(url: &str) -> Self {
        let options = PgConnectOptions::from_str(url).unwrap();
        let server = (options.get_host().to_owned(), options.get_port());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = tokio::spawn(async move {
            let mut clients = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let server = server.clone();
                // Whoever hangs up ends it.
                clients.spawn(async move { drop(serve(client, server).await) });
            }
        });
        Self {
            options: options.host("127.0.0.1").port(port),
            serving,
        }
    }

    pub(crate) fn url(&self) -> String {
        self.options.to_url_lossy().into()
    }
}

impl Drop for Forgetful {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(client: TcpStream, server: (String, u16)) -> io::Result<()> {
    let server = TcpStream::connect(server).await?;
    // A message must not wait for more of them.
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
    }
    let (mut client, mut server) = (Peer(client), Peer(server));
    greet(&mut client, &mut server).await?;
    loop {
        let message = client.read().await?;
        server.write(&message).await?;
        let asks_for_an_answer = matches!(message.tag, b'Q' | b'S');
        if !asks_for_an_answer {
            continue;
        }
        let status = loop {
            let answer = server.read().await?;
            client.write(&answer).await?;
            if answer.tag == b'Z' {
                break answer.body[0];
            }
        };
        if status == b'I' {
            server.write(&Message::new(b'Q', b"DISCARD ALL\0")).await?;
            while server.read().await?.tag != b'Z' {}
        }
    }
}

/// Until the server is ready.
async fn greet(client: &mut Peer, server: &mut Peer) -> io::Result<()> {
    const SSL: [u8; 4] = 80_877_103_i32.to_be_bytes();
    let mut start = client.read_body().await?;
    if start == SSL {
        client.0.write_all(b"N").await?;
        start = client.read_body().await?;
    }
    // As poolers do with parameters that they cannot keep apart.
    let is_known = !start.windows(18).any(|text| text == b"extra_float_digits");
    assert!(is_known, "an unsupported startup parameter");
    server.write_body(&start).await?;
    loop {
        let message = server.read().await?;
        client.write(&message).await?;
        let asks_for_a_password = message.tag == b'R' && matches!(message.body[3], 3 | 5 | 10 | 11);
        if asks_for_a_password {
            let password = client.read().await?;
            server.write(&password).await?;
        }
        if message.tag == b'Z' {
            return Ok(());
        }
    }
}

/// A message of the protocol, without its length.
struct Message {
    tag: u8,
    body: Vec<u8>,
}

impl Message {
    fn new(tag: u8, body: &[u8]) -> Self {
        let body = body.to_vec();
        Self { tag, body }
    }
}

struct Peer(TcpStream);

impl Peer {
    async fn read(&mut self) -> io::Result<Message> {
        let tag = self.0.read_u8().await?;
        let body = self.read_body().await?;
        Ok(Message { tag, body })
    }

    async fn read_body(&mut self) -> io::Result<Vec<u8>> {
        let length = self.0.read_u32().await?;
        // It counts itself.
        let mut body = vec![0; usize::try_from(length).unwrap() - 4];
        self.0.read_exact(&mut body).await?;
        Ok(body)
    }

    async fn write(&mut self, message: &Message) -> io::Result<()> {
        let tag = &[message.tag][..];
        let bytes = [tag, &length(&message.body), &message.body].concat();
        self.0.write_all(&bytes).await
    }

    async fn write_body(&mut self, body: &[u8]) -> io::Result<()> {
        self.0.write_all(&[&length(body)[..], body].concat()).await
    }
}

fn length(body: &[u8]) -> [u8; 4] {
    u32::try_from(body.len() + 4).unwrap().to_be_bytes()
}
