//! Parts of the system die under traffic; whatever a client saw finished is on record, once. The whole matrix is `make kill-matrix`.

use tokio::process::Command;

#[tokio::test]
async fn nothing_that_a_client_saw_finished_is_missing_or_doubled() {
    // Other tests of this ring have their Envoys at the same time.
    let mut matrix = Command::new(env!("CARGO_BIN_EXE_kill-matrix"));
    let output = matrix.args(["--quick", "--parallel", "2"]).kill_on_drop(true).output().await.expect("it can be run");
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{table}\n{}", String::from_utf8_lossy(&output.stderr));
}
