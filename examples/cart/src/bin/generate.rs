//! Run with `cargo run -p cart --bin generate > examples/cart/data/commands.jsonl`: writes the shipped input.

use std::io::Write as _;

fn main() -> anyhow::Result<()> {
    let commands = cart::generator::generate()?;
    Ok(std::io::stdout().write_all(commands.as_bytes())?)
}
