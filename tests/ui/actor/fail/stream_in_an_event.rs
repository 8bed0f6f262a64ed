//! An event sees no other actor.

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Account;

#[derive(Debug, Default)]
pub struct Name;

#[actor]
impl Account {
    #[command]
    pub fn open(&self, name: String) -> Opened {
        Opened { name }
    }

    #[event]
    pub fn renamed(&mut self, name: String, #[stream(format!("name-{name}"))] claimed: Other<Name>) {
        drop((name, claimed));
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
}
