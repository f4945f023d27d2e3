//! Runs the stand-in as a process of its own, until it is ended.

use chatbox_telegram_standin::Standin;
use clap::Parser;

/// A Telegram Bot API for tests on 127.0.0.1. Drive it under /_standin/.
#[derive(Parser)]
struct Args {
    /// Port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The only bot token that is accepted.
    #[arg(long, default_value = "12345:stand-in")]
    token: String,
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let args = Args::parse();
    match Standin::start_on(args.port, &args.token).await {
        Ok(standin) => {
            announce(standin.url());
            std::future::pending().await
        }
        Err(error) => {
            eprintln!("telegram-standin cannot listen on 127.0.0.1:{}: {error}.", args.port);
            std::process::ExitCode::from(2)
        }
    }
}

#[expect(clippy::print_stdout, reason = "the address is what the program that starts this one waits for")]
fn announce(url: &str) {
    println!("{url}");
}
