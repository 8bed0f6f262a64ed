//! **A race across streams.** A user name belongs to one account.
//!
//! - Wrong: look whether the read model knows the name, then open the account. Two who look at the same time both see
//!   nothing; and what the read model does not know yet is there all the same.
//! - Right: the name is a stream of its own. The command reads it, and claims it in the same append, or not at all.
//! - The story: two `account.open_unchecked` in different streams with the same name.

use sourced::prelude::*;
use sourced_testing::simulation::Client;

/// Looks, and then acts.
pub(crate) async fn wrong(client: &Client, account: &str, name: &str) -> Result<(), Failure> {
    let owner: Option<String> = client.app().document("names", name).await?;
    if let Some(owner) = owner {
        return Err(Failure::msg(format!("{name} is {owner}")));
    }
    let name = name.to_owned();
    let open = || OpenUnchecked { name: name.clone() }.to(account);
    client.dispatch(open).await?;
    Ok(())
}

/// Leaves it to the command.
pub(crate) async fn right(client: &Client, account: &str, name: &str) -> Result<(), Failure> {
    let name = name.to_owned();
    let open = || Open { name: name.clone() }.to(account);
    client.dispatch(open).await?;
    Ok(())
}

#[derive(Debug, Default)]
pub(crate) struct Account;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the name is taken")]
pub(crate) struct Taken;

#[actor]
impl Account {
    #[command]
    fn open(
        &self,
        name: String,
        #[stream(format!("name-{name}"))] user_name: Other<UserName>,
    ) -> Result<(Opened, Elsewhere<Claimed>), Taken> {
        if user_name.is_claimed {
            return Err(Taken);
        }
        Ok((Opened { name }, user_name.emit(Claimed)))
    }

    #[command]
    fn open_unchecked(&self, name: String) -> Opened {
        Opened { name }
    }

    #[event]
    pub(crate) fn opened(&mut self, _name: String) {}
}

#[derive(Debug, Default)]
pub(crate) struct UserName {
    is_claimed: bool,
}

#[actor]
impl UserName {
    #[event]
    fn claimed(&mut self) {
        self.is_claimed = true;
    }
}

/// The read model: whose a name is.
#[derive(Debug)]
pub(crate) struct Names {
    account: String,
    name: String,
}

#[projector]
impl Names {
    #[state]
    fn new(id: &StreamId) -> Self {
        let (account, name) = (id.to_string(), String::new());
        Self { account, name }
    }

    #[event]
    fn opened(&mut self, event: &Opened) {
        self.name.clone_from(&event.name);
    }

    #[sync]
    async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("names", &self.name, &self.account).await
    }
}
