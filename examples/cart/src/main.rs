//! Run with `cargo run --release -p cart`: feeds 10,000 commands to a shop's carts and shows what comes of them.

use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let args = cart::args::Args::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let exit_code = runtime
        .block_on(cart::run::run(args))
        .unwrap_or_else(|error| failed(&error));
    // A thread may still be waiting for standard input.
    runtime.shutdown_background();
    exit_code
}

#[expect(clippy::print_stderr, reason = "it is a program")]
fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}
