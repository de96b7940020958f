-- A record is what was known of an exchange from its beginning, and how it ended: with each attempt, what it lost, and what is
-- guessed apart from what is charged.
alter table usage_records rename column cost_nanousd to charged_nanousd;
alter table usage_records rename column losses to loss_count;
alter table usage_records rename column attempts to attempt_count;

-- Names have 256 bytes at most from here on, and a longer one 64 characters, which are no more: what sums are told apart by
-- stands together in one row of an index.
update usage_records set
    key_id = case when octet_length(key_id) > 256 then substr(key_id, 1, 64) else key_id end,
    team = case when octet_length(team) > 256 then substr(team, 1, 64) else team end,
    user_name = case when octet_length(user_name) > 256 then substr(user_name, 1, 64) else user_name end,
    model = case when octet_length(model) > 256 then substr(model, 1, 64) else model end,
    provider = case when octet_length(provider) > 256 then substr(provider, 1, 64) else provider end,
    upstream_model = case when octet_length(upstream_model) > 256 then substr(upstream_model, 1, 64) else upstream_model end
where octet_length(key_id) > 256
    or octet_length(team) > 256
    or octet_length(user_name) > 256
    or octet_length(model) > 256
    or octet_length(provider) > 256
    or octet_length(upstream_model) > 256;
update open_exchanges set
    key_id = case when octet_length(key_id) > 256 then substr(key_id, 1, 64) else key_id end,
    team = case when octet_length(team) > 256 then substr(team, 1, 64) else team end,
    user_name = case when octet_length(user_name) > 256 then substr(user_name, 1, 64) else user_name end,
    model = case when octet_length(model) > 256 then substr(model, 1, 64) else model end,
    provider = case when octet_length(provider) > 256 then substr(provider, 1, 64) else provider end,
    upstream_model = case when octet_length(upstream_model) > 256 then substr(upstream_model, 1, 64) else upstream_model end
where octet_length(key_id) > 256
    or octet_length(team) > 256
    or octet_length(user_name) > 256
    or octet_length(model) > 256
    or octet_length(provider) > 256
    or octet_length(upstream_model) > 256;

-- Times are of this century: questions walk through the days from the first record to the last.
update usage_records set started_at = case when started_at < 0 then 0 else 4102444799999 end
    where started_at < 0 or started_at > 4102444799999;

alter table usage_records add column route text not null default '';
alter table usage_records add column end_user text not null default '';
alter table usage_records add column session_id text not null default '';
alter table usage_records add column tags text not null default '[]';
alter table usage_records add column client_address text not null default '';
alter table usage_records add column traceparent text not null default '';
-- Lists are JSON: nothing is asked about what is in them.
alter table usage_records add column attempts text not null default '[]';
alter table usage_records add column estimated_nanousd bigint;
alter table usage_records add column estimate_method text not null default '';
alter table usage_records add column estimated_tokens text;
alter table usage_records add column losses text not null default '[]';
-- The row of usage_dimensions that has this record's.
alter table usage_records add column dimensions bigint not null default 0;

alter table open_exchanges add column route text not null default '';
alter table open_exchanges add column client_format text not null default '';
alter table open_exchanges add column end_user text not null default '';
alter table open_exchanges add column session_id text not null default '';
alter table open_exchanges add column tags text not null default '[]';
alter table open_exchanges add column client_address text not null default '';
alter table open_exchanges add column traceparent text not null default '';
alter table open_exchanges add column snapshot_version bigint not null default 0;

-- Tags are asked for.
create table usage_tags (
    tag text not null,
    started_at bigint not null,
    exchange_id text not null,
    primary key (tag, started_at, exchange_id)
);

create index usage_records_by_key on usage_records (key_id, started_at, exchange_id);
create index usage_records_by_end_user on usage_records (end_user, started_at, exchange_id) where end_user <> '';
create index usage_records_by_session on usage_records (session_id, started_at, exchange_id) where session_id <> '';

-- What records are told apart by, once for each combination.
create table usage_dimensions (
    id bigserial primary key,
    key_id text not null,
    team text not null,
    user_name text not null,
    end_user text not null,
    model text not null,
    route text not null,
    provider text not null,
    upstream_model text not null,
    client_format text not null,
    provider_format text not null,
    operation text not null,
    stream text not null,
    outcome text not null,
    provenance text not null,
    unique (key_id, team, user_name, end_user, model, route, provider, upstream_model, client_format, provider_format,
    operation, stream, outcome, provenance)
);

-- Sums over the records of an hour or a day of UTC, kept with each change of a record.
create table usage_hours (
    started_at bigint not null,
    dimensions bigint not null,
    requests bigint not null,
    input bigint not null,
    cache_read bigint not null,
    cache_write_5m bigint not null,
    cache_write_1h bigint not null,
    output bigint not null,
    reasoning bigint not null,
    audio_in bigint not null,
    audio_out bigint not null,
    charged_nanousd bigint not null,
    estimated_nanousd bigint not null,
    unpriced bigint not null,
    partial bigint not null,
    attempts bigint not null,
    primary key (started_at, dimensions)
);

create table usage_days (
    started_at bigint not null,
    dimensions bigint not null,
    requests bigint not null,
    input bigint not null,
    cache_read bigint not null,
    cache_write_5m bigint not null,
    cache_write_1h bigint not null,
    output bigint not null,
    reasoning bigint not null,
    audio_in bigint not null,
    audio_out bigint not null,
    charged_nanousd bigint not null,
    estimated_nanousd bigint not null,
    unpriced bigint not null,
    partial bigint not null,
    attempts bigint not null,
    primary key (started_at, dimensions)
);

insert into usage_dimensions (
    key_id, team, user_name, end_user, model, route, provider, upstream_model, client_format, provider_format,
    operation, stream, outcome, provenance
)
select distinct
    key_id, team, user_name, end_user, model, route, provider, upstream_model, client_format, provider_format,
    operation, case when stream <> 0 then 'true' else 'false' end, outcome, provenance
from usage_records;

-- One pass over all records. Of an exchange before, only the last attempt is known.
update usage_records set attempts = case when attempt_count > 0 then json_build_array(json_build_object(
    'provider', provider, 'upstream_model', upstream_model, 'provider_format', nullif(provider_format, ''),
    'started_at', started_at, 'first_byte_ms', first_byte_ms, 'duration_ms', duration_ms,
    'outcome', outcome, 'status', status, 'reason', reason,
    'tokens', case when input is null then null else json_build_object(
        'input', input, 'cache_read', cache_read, 'cache_write_5m', cache_write_5m, 'cache_write_1h', cache_write_1h,
        'output', output, 'reasoning', reasoning, 'audio_in', audio_in, 'audio_out', audio_out) end,
    'provenance', provenance, 'charged_nanousd', charged_nanousd, 'price_version', price_version))::text else '[]' end,
dimensions = (
    select id from usage_dimensions as d
    where d.key_id = usage_records.key_id
        and d.team = usage_records.team
        and d.user_name = usage_records.user_name
        and d.end_user = usage_records.end_user
        and d.model = usage_records.model
        and d.route = usage_records.route
        and d.provider = usage_records.provider
        and d.upstream_model = usage_records.upstream_model
        and d.client_format = usage_records.client_format
        and d.provider_format = usage_records.provider_format
        and d.operation = usage_records.operation
        and d.outcome = usage_records.outcome
        and d.provenance = usage_records.provenance
        and d.stream = case when usage_records.stream <> 0 then 'true' else 'false' end
);

insert into usage_hours (started_at, dimensions, requests, input, cache_read, cache_write_5m, cache_write_1h, output,
    reasoning, audio_in, audio_out, charged_nanousd, estimated_nanousd, unpriced, partial, attempts)
select
    started_at - started_at % 3600000,
    dimensions,
    count(*),
    coalesce(sum(input), 0),
    coalesce(sum(cache_read), 0),
    coalesce(sum(cache_write_5m), 0),
    coalesce(sum(cache_write_1h), 0),
    coalesce(sum(output), 0),
    coalesce(sum(reasoning), 0),
    coalesce(sum(audio_in), 0),
    coalesce(sum(audio_out), 0),
    coalesce(sum(charged_nanousd), 0),
    coalesce(sum(estimated_nanousd), 0),
    sum(case when input is not null and charged_nanousd is null then 1 else 0 end),
    sum(case when provenance = 'partial' then 1 else 0 end),
    sum(attempt_count)
from usage_records
group by 1, 2;

insert into usage_days (started_at, dimensions, requests, input, cache_read, cache_write_5m, cache_write_1h, output,
    reasoning, audio_in, audio_out, charged_nanousd, estimated_nanousd, unpriced, partial, attempts)
select
    started_at - started_at % 86400000,
    dimensions,
    sum(requests),
    sum(input),
    sum(cache_read),
    sum(cache_write_5m),
    sum(cache_write_1h),
    sum(output),
    sum(reasoning),
    sum(audio_in),
    sum(audio_out),
    sum(charged_nanousd),
    sum(estimated_nanousd),
    sum(unpriced),
    sum(partial),
    sum(attempts)
from usage_hours
group by 1, 2;
