//! `explain`: the page of an error's code, as it stands in `host/errors`.

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use switchyard_core::problem::Code;

use crate::output;

/// What `explain` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A code as answers and logs have it, such as SY2007
    #[arg(value_name = "CODE")]
    code: String,
}

/// Prints the page of a code.
///
/// # Errors
/// When there is no such code.
pub(crate) fn run(args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let asked = args.code.to_ascii_uppercase();
    let Some(code) = Code::ALL.into_iter().find(|code| code.as_str() == asked) else {
        let known: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        bail!("there is no code '{}'; there are {}", args.code, known.join(", "));
    };
    output::line(page(code).trim_end());
    Ok(ExitCode::SUCCESS)
}

/// The page of a code.
const fn page(code: Code) -> &'static str {
    macro_rules! page {
        ($code:literal) => {
            include_str!(concat!("../../errors/", $code, ".md"))
        };
    }
    match code {
        Code::RouteNotFound => page!("SY1001"),
        Code::MethodNotAllowed => page!("SY1002"),
        Code::BadRequest => page!("SY1003"),
        Code::PayloadTooLarge => page!("SY1004"),
        Code::HeadersTooLarge => page!("SY1005"),
        Code::RequestTimeout => page!("SY1006"),
        Code::RateLimited => page!("SY1007"),
        Code::MissingCredentials => page!("SY1008"),
        Code::InvalidCredentials => page!("SY1009"),
        Code::AuthUnavailable => page!("SY1010"),
        Code::MiddlewareFailed => page!("SY1011"),
        Code::ServiceFailed => page!("SY2001"),
        Code::ServiceUnavailable => page!("SY2002"),
        Code::ServiceBusy => page!("SY2003"),
        Code::GatewayTimeout => page!("SY2004"),
        Code::TooManyHops => page!("SY2005"),
        Code::ShuttingDown => page!("SY2006"),
        Code::BreakerOpen => page!("SY2007"),
        Code::NoHealthyInstance => page!("SY2008"),
        Code::NotFound => page!("SY3001"),
        Code::Forbidden => page!("SY3002"),
        Code::Conflict => page!("SY3003"),
        Code::PluginRefused => page!("SY3004"),
        Code::InvalidEvent => page!("SY4001"),
        Code::UnsupportedMediaType => page!("SY4002"),
        Code::EventRejected => page!("SY4003"),
        Code::NotGranted => page!("SY4004"),
        Code::QueueFull => page!("SY5001"),
        Code::NotLeased => page!("SY5002"),
        Code::Internal => page!("SY9001"),
        Code::StoreUnavailable => page!("SY9002"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_page_is_of_its_code() {
        for code in Code::ALL {
            let mut lines = page(code).lines();
            let (name, title, status) = (code.as_str(), code.title(), code.status());
            assert_eq!(lines.next(), Some(format!("# {name}: {title}").as_str()));
            let from = lines.nth(1).unwrap_or_default();
            assert!(from.starts_with(&format!("Status {status}, from: ")), "{name}: {from}");
            for part in ["\n## Why\n\n- ", "\n## What helps\n\n- "] {
                assert!(page(code).contains(part), "{name} lacks {part}");
            }
        }
    }

    #[test]
    fn the_index_lists_every_code_and_no_other() {
        let index = include_str!("../../errors/README.md");
        let rows: Vec<&str> = index.lines().filter(|line| line.starts_with("| [")).collect();
        assert_eq!(rows.len(), Code::ALL.len());
        for code in Code::ALL {
            let (name, title, status) = (code.as_str(), code.title(), code.status());
            let row = format!("| [{name}]({name}.md) | {status} | {title} | ");
            assert!(rows.iter().any(|found| found.starts_with(&row)), "{row}");
        }
    }

    #[test]
    fn a_code_is_found_however_it_is_written() {
        let run = |code: &str| run(&ExplainArgs { code: code.to_owned() });
        assert!(run("sy2007").is_ok());
        assert!(run("SY0000").unwrap_err().to_string().contains("SY1001, SY1002"));
    }
}
