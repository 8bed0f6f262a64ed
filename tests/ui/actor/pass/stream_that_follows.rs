//! What gives the name of a stream: fields, the state, a message that is defined elsewhere, its envelope, a path, another stream.
#![deny(warnings, clippy::all, clippy::pedantic)]

use sourced::prelude::*;

#[derive(Debug, Default)]
struct Account {
    name: String,
}

#[derive(Debug, Default)]
struct Name;

#[command("account.rename")]
struct Rename {
    name: String,
}

const ALL: &str = "all-names";

fn named(name: &str) -> String {
    format!("name-{name}")
}

macro_rules! account {
    ($by:expr) => {
        #[actor]
        impl Account {
            #[command]
            fn open(
                &self,
                name: String,
                #[stream(named(name))] claimed: Other<Name>,
                #[stream($by)] all: Other<Name>,
            ) -> (Opened, Elsewhere<Claimed>, Elsewhere<Claimed>) {
                (Opened { name }, claimed.emit(Claimed), all.emit(Claimed))
            }

            #[command]
            fn close(&self, #[stream(named(&self.name))] claimed: Other<Name>) -> Elsewhere<GivenUp> {
                claimed.emit(GivenUp)
            }

            #[command]
            fn rename(
                &self,
                rename: &Message<Rename>,
                #[stream(named(&rename.payload.name))] claimed: Other<Name>,
            ) -> (Opened, Elsewhere<Claimed>) {
                (Opened { name: rename.payload.name.clone() }, claimed.emit(Claimed))
            }

            #[command]
            fn give(
                &self,
                to: Other<Account>,
                #[stream(format!("gifts-to-{to}"))] _gifts: Other<Name>,
            ) -> Elsewhere<Opened> {
                to.emit(Opened { name: self.name.clone() })
            }

            #[event]
            fn opened(&mut self, name: String) {
                self.name = name;
            }
        }
    };
}

account!(ALL);

#[actor]
impl Name {
    #[event]
    fn claimed(&mut self) {}

    #[event]
    fn given_up(&mut self) {}
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let app = App::builder().register::<Account>().register::<Name>().build().await?;
    let account = app.actor::<Account>("account-1");
    let (_, claimed, all) = account.open("ann").await?;
    assert_eq!([claimed.stream_id().as_str(), all.stream_id().as_str()], ["name-ann", ALL]);
    account.give("account-2").await?;
    assert_eq!(account.close().await?.stream_id().as_str(), "name-ann");
    app.unit().handle(Rename { name: "bob".into() }.to("account-1")).await?;
    assert_eq!(app.actor::<Name>("name-bob").load().await?.seq(), sourced::Seq::new(1));
    Ok(())
}
