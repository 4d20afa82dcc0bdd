//! Rust, nothing but its standard library, a thread a connection: echo, or `TEXT\n` answered by `ok TEXT\n`.
//!
//!     rust-threads PORT echo|line
//!
//! What is easy to get wrong in Rust: unwrap() of what a client can cause; write() instead of write_all(); thread::spawn(),
//! which panics where Builder::spawn() says that there is no thread; read_line(), which wants UTF-8 and knows no bound.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

const MAX_TEXT: usize = 4096;

fn echo(mut client: &TcpStream) -> io::Result<()> {
    let mut octets = vec![0; 65536];
    loop {
        match client.read(&mut octets) {
            Ok(0) => return Ok(()),
            Ok(count) => client.write_all(&octets[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn lines(mut client: &TcpStream) -> io::Result<()> {
    let mut input = BufReader::new(client);
    loop {
        let mut line = Vec::new();
        input.by_ref().take(MAX_TEXT as u64 + 2).read_until(b'\n', &mut line)?;
        let is_whole = line.last() == Some(&b'\n');
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if text.len() > MAX_TEXT {
            client.write_all(b"error line too long\n")?;
            return close_in_stages(client);
        }
        if !is_whole {
            return Ok(()); // The end, perhaps in mid-line: what has no end is no request.
        }
        client.write_all(&[b"ok ", text, b"\n"].concat())?;
    }
}

/// Input that nobody has read would turn close() into a reset, which can destroy the reply.
fn close_in_stages(mut client: &TcpStream) -> io::Result<()> {
    client.shutdown(Shutdown::Write)?;
    client.set_read_timeout(Some(Duration::from_secs(3)))?;
    let mut ignored = [0; 4096];
    while client.read(&mut ignored)? > 0 {}
    Ok(())
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().collect();
    let port = words.get(1).and_then(|word| word.parse().ok());
    let converse = match words.get(2).map(String::as_str) {
        Some("echo") => echo,
        Some("line") => lines as fn(&TcpStream) -> io::Result<()>,
        _ => {
            eprintln!("usage: rust-threads PORT echo|line");
            return ExitCode::FAILURE;
        }
    };
    // Sets SO_REUSEADDR on Unix.
    let listener = match TcpListener::bind((Ipv4Addr::UNSPECIFIED, port.unwrap_or(0))) {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("cannot listen: {error}");
            return ExitCode::FAILURE;
        }
    };
    for client in listener.incoming() {
        match client {
            Ok(client) => {
                // No thread to be had: this client is turned away with the closure, the others are served. An error
                // in a conversation is the end of that client, which is its own business.
                let _ = thread::Builder::new().spawn(move || {
                    let _ = client.set_nodelay(true).and_then(|()| converse(&client));
                });
            }
            // No descriptor is free: the listener stays ready, so asking again at once would spin.
            Err(_) => thread::sleep(Duration::from_millis(100)),
        }
    }
    ExitCode::SUCCESS
}
