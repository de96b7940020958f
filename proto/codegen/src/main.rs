//! Generates `proto/src/tollgate.v1.rs`. Run by `make gen`; `make check` fails when the result differs from what is
//! checked in.

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let proto = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let files = ["session", "config", "usage"].map(|name| format!("tollgate/v1/{name}.proto"));
    let descriptors = protox::compile(files, [&proto])?;
    tonic_prost_build::configure()
        .out_dir(proto.join("src"))
        .client_mod_attribute(".", "#[cfg(feature = \"grpc\")]")
        .server_mod_attribute(".", "#[cfg(feature = \"grpc\")]")
        .compile_fds(descriptors)?;
    Ok(())
}
