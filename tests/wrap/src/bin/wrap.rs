//! Compares the exchanges of plain captures with those of the same packets in every encapsulation,
//! and prints a table; or writes one wrapped capture.
//!
//! usage: `wrap compare FILE…` or `wrap disturb [NAME] FILE…` (the same packets cut, copied, tagged and in
//! another order) or `wrap write KIND FILE OUT.pcap` or `wrap list`
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people who work on the sensor"
)]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use tapscope_http::HttpExchange;
use tapscope_wrap::disturb::DISTURBANCES;
use tapscope_wrap::exchanges::{difference, difference_in_words, plain, wrapped};
use tapscope_wrap::kinds::KINDS;
use tapscope_wrap::packet::{Packet, read};

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments.as_slice() {
        ["list"] => {
            KINDS.iter().for_each(|kind| println!("{}", kind.name));
            Ok(true)
        }
        ["compare", files @ ..] if !files.is_empty() => compare(files),
        ["disturb", name, files @ ..] if is_disturbance(name) && !files.is_empty() => {
            disturb(files, Some(name))
        }
        ["disturb", files @ ..] if !files.is_empty() => disturb(files, None),
        ["write", kind, file, out] => write(kind, file, out).map(|()| true),
        _ => Err("usage: wrap compare FILE… | wrap disturb [NAME] FILE… | wrap write KIND FILE OUT.pcap | wrap list".into()),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("wrap: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A capture and what it holds.
struct Capture<'a> {
    file: &'a str,
    packets: Vec<Packet>,
    exchanges: Vec<HttpExchange>,
}

fn captures<'a>(files: &[&'a str]) -> Result<Vec<Capture<'a>>, Failure> {
    let mut captures = Vec::new();
    for file in files {
        let packets = read(Path::new(file), usize::MAX)?;
        let exchanges = plain(&packets).exchanges;
        captures.push(Capture {
            file,
            packets,
            exchanges,
        });
    }
    let total: usize = captures.iter().map(|it| it.exchanges.len()).sum();
    println!("{} captures, {total} exchanges", captures.len());
    Ok(captures)
}

fn is_disturbance(name: &str) -> bool {
    DISTURBANCES.iter().any(|it| it.name == name)
}

/// Whether every disturbance, or the one of that name, gave the exchanges of every file.
fn disturb(files: &[&str], only: Option<&str>) -> Result<bool, Failure> {
    let captures = captures(files)?;
    println!("{:<40} {:>8}", "disturbance", "captures");
    let mut all_equal = true;
    let wanted = |name| only.is_none_or(|only| only == name);
    for disturbance in DISTURBANCES.iter().filter(|it| wanted(it.name)) {
        let mut equal = 0;
        let mut differences = Vec::new();
        for Capture {
            file,
            packets,
            exchanges,
        } in &captures
        {
            let found = plain(&disturbance.apply(packets, 1)).exchanges;
            let difference = if disturbance.is_exact {
                difference(exchanges, &found)
            } else {
                difference_in_words(exchanges, &found)
            };
            match difference {
                None => equal += 1,
                Some(what) => differences.push(format!("  {file}: {what}")),
            }
        }
        println!("{:<40} {equal:>8}", disturbance.name);
        for difference in &differences {
            for line in difference.lines() {
                println!("{}", line.chars().take(300).collect::<String>());
            }
        }
        all_equal &= differences.is_empty();
    }
    Ok(all_equal)
}

/// Whether every kind gave the exchanges of every file.
fn compare(files: &[&str]) -> Result<bool, Failure> {
    let captures = captures(files)?;
    println!(
        "{:<40} {:>8} {:>10}",
        "encapsulation", "captures", "exchanges"
    );
    let mut all_equal = true;
    for kind in KINDS {
        let (mut equal, mut same) = (0, 0);
        let mut differences = Vec::new();
        for Capture {
            file,
            packets,
            exchanges: expected,
        } in &captures
        {
            let found = wrapped(packets, kind).exchanges;
            match difference(expected, &found) {
                None => equal += 1,
                Some(what) => differences.push(format!("  {file}: {what}")),
            }
            same += expected.iter().filter(|it| found.contains(it)).count();
        }
        println!("{:<40} {equal:>8} {same:>10}", kind.name);
        for difference in &differences {
            println!("{}", difference.chars().take(400).collect::<String>());
        }
        all_equal &= differences.is_empty();
    }
    Ok(all_equal)
}

fn write(name: &str, file: &str, out: &str) -> Result<(), Failure> {
    let kind = KINDS.iter().find(|kind| kind.name == name);
    let kind = kind.ok_or_else(|| format!("'{name}' is no encapsulation; see wrap list"))?;
    let packets = read(Path::new(file), usize::MAX)?;
    let serials = (1..=u16::MAX).cycle();
    let wrapped = packets
        .iter()
        .zip(serials)
        .flat_map(|(packet, serial)| kind.wrap(packet, serial));
    let mut output = BufWriter::new(File::create(out)?);
    let mut is_first = true;
    for packet in wrapped {
        if is_first {
            header(&mut output, &packet)?;
        }
        is_first = false;
        record(&mut output, &packet)?;
    }
    output.flush()?;
    Ok(())
}

/// The file header of a pcap in nanoseconds.
fn header(output: &mut impl Write, packet: &Packet) -> Result<(), Failure> {
    for word in [0xa1b2_3c4d, 0x0004_0002, 0, 0, 262_144, packet.link_type.0] {
        output.write_all(&u32::to_le_bytes(word))?;
    }
    Ok(())
}

fn record(output: &mut impl Write, packet: &Packet) -> Result<(), Failure> {
    let nanos = packet.timestamp.nanos();
    let seconds = u32::try_from(nanos.div_euclid(1_000_000_000))?;
    let rest = u32::try_from(nanos.rem_euclid(1_000_000_000))?;
    let len = u32::try_from(packet.data.len())?;
    for word in [seconds, rest, len, len + packet.cut] {
        output.write_all(&word.to_le_bytes())?;
    }
    output.write_all(&packet.data)?;
    Ok(())
}
