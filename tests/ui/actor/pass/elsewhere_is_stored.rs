//! What a durable call has stored elsewhere is nothing that somebody still has to use.
#![deny(warnings)]

use sourced::prelude::*;

#[derive(Debug, Default)]
struct Account {
    balance: u64,
}

#[actor]
impl Account {
    #[command]
    fn transfer(&self, amount: u64, to: Other<Account>) -> (Withdrawn, Elsewhere<Deposited>) {
        (Withdrawn { amount }, to.emit(Deposited { amount }))
    }

    #[command]
    fn give(&self, amount: u64, to: Other<Account>) -> Elsewhere<Deposited> {
        to.emit(Deposited { amount })
    }

    #[event]
    fn withdrawn(&mut self, amount: u64) {
        self.balance -= amount;
    }

    #[event]
    fn deposited(&mut self, amount: u64) {
        self.balance += amount;
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let app = App::builder().register::<Account>().build().await?;
    let account = app.actor::<Account>("account-1");
    account.give(5, "account-2").await?;
    app.actor::<Account>("account-2").transfer(3, "account-1").await?;
    Ok(())
}
