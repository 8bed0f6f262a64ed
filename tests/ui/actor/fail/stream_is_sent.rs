//! A stream that follows from the command is no field of it.

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Account;

#[derive(Debug, Default)]
pub struct Name;

#[actor]
impl Account {
    #[command]
    pub fn open(
        &self,
        name: String,
        #[stream(format!("name-{name}"))] claimed: Other<Name>,
    ) -> (Opened, Elsewhere<Claimed>) {
        (Opened { name }, claimed.emit(Claimed))
    }

    #[event]
    pub fn opened(&mut self, _name: String) {}
}

#[actor]
impl Name {
    #[event]
    pub fn claimed(&mut self) {}
}

fn main() {
    let app = App::builder().register::<Account>().register::<Name>().build();
    drop(app);
    let command = Open { name: "ann".into(), claimed: "name-bob" };
    drop(command);
}
