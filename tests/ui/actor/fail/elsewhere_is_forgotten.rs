//! Events for another stream that the command does not return.
#![deny(unused_must_use)]

use sourced::prelude::*;

#[derive(Debug, Default)]
struct Account {
    balance: u64,
}

#[actor]
impl Account {
    #[command]
    fn transfer(&self, amount: u64, to: Other<Account>) -> Withdrawn {
        to.emit(Deposited { amount });
        Withdrawn { amount }
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
    app.actor::<Account>("account-1").transfer(3, "account-2").await?;
    Ok(())
}
