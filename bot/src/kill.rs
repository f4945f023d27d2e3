//! Named points at which a test has the process die, behind the feature `failpoints`:
//! `FAILPOINTS='decide.before_commit=3*off->return' chatbox run` dies when it comes there for the
//! fourth time.

/// Does nothing, unless the feature is on and `FAILPOINTS` names this point.
pub(crate) fn kill_point(name: &str) {
    let _ = name;
    fail::fail_point!(name, |_| std::process::abort());
}

/// Reads `FAILPOINTS`.
pub(crate) fn arm() {
    if cfg!(feature = "failpoints") {
        // Dropping a scenario disarms it; this one lasts as long as the process.
        std::mem::forget(fail::FailScenario::setup());
    }
}
