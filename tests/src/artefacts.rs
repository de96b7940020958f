//! The programs and modules under test, which must have been built.

use std::env;
use std::path::{Path, PathBuf};

/// `tollgate`: `$TOLLGATE_BIN`, else the debug build.
pub(crate) fn tollgate() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    find("TOLLGATE_BIN", target.join("debug/tollgate"))
}

/// Envoy: `$ENVOY_BIN`, else the one that the Makefile fetched, else the first on the PATH.
pub(crate) fn envoy() -> PathBuf {
    let fetched = root().join(".tools/envoy/envoy");
    let on_path =
        || env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join("envoy")).find(|file| file.is_file());
    let default = if fetched.is_file() { fetched } else { on_path().unwrap_or(fetched) };
    find("ENVOY_BIN", default)
}

/// The module: `$TOLLGATE_WASM`, else the one that `make wasm` built.
pub(crate) fn module() -> PathBuf {
    find("TOLLGATE_WASM", root().join("target-wasm/wasm32-wasip1/wasm/tollgate_filter.wasm"))
}

/// The module whose faults can be provoked: `$TOLLGATE_FAULTS_WASM`, else the one that `make wasm-faults` built.
pub(crate) fn module_with_faults() -> PathBuf {
    find("TOLLGATE_FAULTS_WASM", root().join("target-wasm/tollgate_filter_faults.wasm"))
}

fn find(variable: &str, default: PathBuf) -> PathBuf {
    let file = env::var_os(variable).filter(|value| !value.is_empty()).map_or(default, PathBuf::from);
    assert!(
        file.is_file(),
        "{} is not there: `make test-e2e` builds what these tests need, or {variable} names it",
        file.display()
    );
    file
}

/// The repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the repository")
}
