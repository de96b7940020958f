-- Times are milliseconds since the Unix epoch; money is nano-dollars.

create table keys (
    id text primary key,
    name text not null,
    digest text not null unique,
    prefix text not null,
    team text not null,
    user_name text not null,
    models text not null,
    source text not null,
    created_at bigint not null,
    revoked_at bigint
);

-- Every process that serves sessions reads what is new here and tells its VMs.
create table key_changes (
    sequence bigserial primary key,
    digest text not null
);

-- Versions only: the content holds credentials and is never stored.
create table snapshots (
    version bigserial primary key,
    digest text not null,
    created_at bigint not null
);

create table vms (
    id text primary key,
    heard_at bigint not null,
    ended_at bigint
);

create table open_exchanges (
    exchange_id text primary key,
    vm_id text not null,
    started_at bigint not null,
    key_id text not null,
    key_name text not null,
    team text not null,
    user_name text not null,
    model text not null,
    provider text not null,
    upstream_model text not null,
    operation text not null,
    stream bigint not null
);

create index open_exchanges_by_vm on open_exchanges (vm_id);

create table usage_records (
    exchange_id text primary key,
    started_at bigint not null,
    received_at bigint not null,
    duration_ms bigint not null,
    first_byte_ms bigint,
    key_id text not null,
    key_name text not null,
    team text not null,
    user_name text not null,
    model text not null,
    provider text not null,
    upstream_model text not null,
    operation text not null,
    stream bigint not null,
    outcome text not null,
    status bigint not null,
    reason text not null,
    attempts bigint not null,
    provenance text not null,
    input bigint,
    cache_read bigint,
    cache_write_5m bigint,
    cache_write_1h bigint,
    output bigint,
    reasoning bigint,
    audio_in bigint,
    audio_out bigint,
    cost_nanousd bigint,
    price_version text not null,
    losses bigint not null,
    snapshot_version bigint not null
);

create index usage_records_by_time on usage_records (started_at, exchange_id);
