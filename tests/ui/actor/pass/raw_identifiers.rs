//! Words of Rust as names of methods, of fields and of columns.
#![deny(warnings)]

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Piece {
    at: u32,
}

#[actor]
impl Piece {
    #[command]
    pub fn r#move(&self, r#type: String, r#in: Option<u32>) -> Moved {
        Moved { r#type, r#in }
    }

    #[event]
    pub fn moved(&mut self, r#type: String, r#in: Option<u32>) {
        drop(r#type);
        self.at += r#in.unwrap_or_default();
    }

    #[command]
    pub fn r#match(&self, r#loop: &r#Loop) -> Option<Moved> {
        r#loop.r#while.then(|| Moved { r#type: String::new(), r#in: None })
    }
}

#[command("piece.loop")]
pub struct r#Loop {
    r#while: bool,
}

#[derive(Debug, Projection)]
pub struct r#Board {
    #[key]
    r#type: String,
    r#in: u32,
}

#[projector]
impl r#Board {
    #[event]
    fn moved(row: Option<Self>, moved: &Moved) -> Self {
        let r#in = row.map_or(0, |row| row.r#in) + moved.r#in.unwrap_or_default();
        let r#type = moved.r#type.clone();
        Self { r#type, r#in }
    }
}

fn main() {
    _ = Move { r#type: "pawn".to_owned(), r#in: None };
    _ = |piece: PieceRef| async move { piece.r#move("pawn", None).await };
    _ = |piece: PieceRef| async move { piece.r#match(Loop { r#while: true }).await };
}
