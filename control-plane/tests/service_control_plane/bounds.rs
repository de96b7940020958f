//! What a session may not say at once, and how it hears of it.

use tollgate_proto::v1::{OpenExchange, OpenExchanges, Opened, up};
use tonic::Code;

use crate::support::{
    database::Database,
    plane::Plane,
    vm::{Vm, open},
};

on_each_store! {
    a_message_with_too_many_exchanges_is_refused_whole,
    a_message_of_too_many_bytes_is_refused,
}

async fn a_message_with_too_many_exchanges_is_refused_whole(database: Database) {
    let plane = Plane::start(&database).await;
    let exchanges = vec![OpenExchange::default(); 50_001];
    let list = OpenExchanges { exchanges: exchanges.clone(), ..OpenExchanges::default() };
    for said in [up::Kind::Opened(Opened { exchanges }), up::Kind::OpenExchanges(list)] {
        let mut vm = Vm::connect(&plane, "vm-1").await;
        vm.send(said).await;
        let status = vm.ended_by().await;
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert!(status.message().contains("50000 exchanges at most, not 50001"), "{status}");
    }
}

async fn a_message_of_too_many_bytes_is_refused(database: Database) {
    let plane = Plane::start(&database).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    let large = OpenExchange { provider: "x".repeat(4 << 20), ..open(1) };
    vm.send(up::Kind::Opened(Opened { exchanges: vec![large] })).await;
    let status = vm.ended_by().await;
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.message().contains("4194304 bytes at most"), "{status}");
}
