//! Named points at which a test has the process die. Builds for tests have them, and builds with
//! the feature `failpoints`: `FAILPOINTS='decide.before_commit=3*off->return' chatbox run` dies when
//! it comes there for the fourth time. At `decide.engine`, `5*panic` has the engine panic five times.

/// Does nothing, unless the build has the points and `FAILPOINTS` names this one.
pub(crate) fn kill_point(name: &str) {
    let _ = name;
    fail::fail_point!(name, |_| std::process::abort());
}

/// Reads `FAILPOINTS`.
pub(crate) fn arm() {
    if fail::has_failpoints() {
        // Dropping a scenario disarms it; this one lasts as long as the process.
        std::mem::forget(fail::FailScenario::setup());
    }
}
