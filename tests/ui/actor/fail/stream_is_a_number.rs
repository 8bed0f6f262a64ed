//! The name of a stream is a text.

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Account;

#[derive(Debug, Default)]
pub struct Name;

#[actor]
impl Account {
    #[command]
    pub fn open(&self, name: String, #[stream(name.len())] claimed: Other<Name>) -> (Opened, Elsewhere<Claimed>) {
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
}
