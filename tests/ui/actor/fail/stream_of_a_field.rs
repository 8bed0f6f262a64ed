//! A stream is said of what is no other actor.

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Account;

#[derive(Debug, Default)]
pub struct Name;

#[actor]
impl Account {
    #[command]
    pub fn open(&self, #[stream(format!("name-{name}"))] name: String) -> Opened {
        Opened { name }
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
